/** Secrets: read from files, shown to nobody. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { accept, minimal, minimalIdp, reject } from './loading.ts';

const SECRET = 'hunter2';
const withHeaders = (headers: string): string => minimal().replace('backend:\n', `backend:\n  headers:\n${headers}`);
const redis = (key: string): string => minimalIdp(`dpop:\n  replay_cache:\n    redis:\n      ${key}\n`);

describe('<key>_file', () => {
  it('reads a header, without the line end of the file', () => {
    const files = { '/run/secrets/a': 'Bearer x y\r\n\n' };
    const { config } = accept(withHeaders('    Authorization_file: /run/secrets/a\n'), { files });
    assert.deepEqual(config.servers[0].backend.headers, { Authorization: 'Bearer x y' });
  });

  it('reads the nonce secret and the redis URL, and expands nothing in them', () => {
    const files = { n: `\${HOME}${'n'.repeat(32)}\n`, r: 'redis://:pw@redis:6379/0\n' };
    const { config } = accept(`${redis('url_file: r')}  nonce_secret_file: n\n`, { files });
    assert.equal(config.dpop.nonce_secret, `\${HOME}${'n'.repeat(32)}`);
    assert.equal(config.dpop.replay_cache.redis.url, 'redis://:pw@redis:6379/0');
  });

  it('may be named by a variable, in the file and as OBEX_…_FILE', () => {
    const files = { '/s/a': 'x', '/s/r': 'rediss://redis:1' };
    const env = { DIR: '/s', OBEX_DPOP_REPLAY_CACHE_REDIS_URL_FILE: '/s/r' };
    assert.deepEqual(
      accept(withHeaders('    X-A_file: "${DIR}/a"\n'), { files, env: { DIR: '/s' } }).config.servers[0].backend
        .headers,
      {
        'X-A': 'x',
      },
    );
    assert.equal(
      accept(redis('url: "redis://other:1"'), { files, env }).config.dpop.replay_cache.redis.url,
      'rediss://redis:1',
    );
  });

  it('gives way to an OBEX_* variable that brings the value itself', () => {
    const env = { OBEX_DPOP_REPLAY_CACHE_REDIS_URL: 'redis://b:1' };
    assert.equal(accept(redis('url_file: nowhere'), { env }).config.dpop.replay_cache.redis.url, 'redis://b:1');
  });

  it('refuses both a value and its file', () => {
    assert.deepEqual(reject(withHeaders('    X-A: "1"\n    X-A_file: /a\n')), [
      'obex.yaml:6: backend.headers.X-A_file: is given together with backend.headers.X-A; delete one of them',
    ]);
    assert.deepEqual(reject(redis('{ url: "redis://a:1", url_file: b }').replace('redis:\n      {', 'redis: {')), [
      'obex.yaml:11: dpop.replay_cache.redis.url_file: is given together with dpop.replay_cache.redis.url; delete one of them',
    ]);
  });

  it('names a file that cannot be read, but not when its name came from a variable', () => {
    assert.deepEqual(reject(withHeaders('    X-A_file: /run/none\n')), [
      'obex.yaml:5: backend.headers.X-A_file: cannot read "/run/none": there is no such file',
    ]);
    assert.deepEqual(reject(withHeaders('    X-A_file: "${P}"\n'), { env: { P: SECRET } }), [
      'obex.yaml:5: backend.headers.X-A_file: cannot read the file: there is no such file',
    ]);
  });

  it('refuses an empty file and a name without text', () => {
    assert.deepEqual(reject(withHeaders('    X-A_file: /a\n'), { files: { '/a': '\n' } }), [
      'obex.yaml:5: backend.headers.X-A_file: is empty; give it a value, or delete it',
    ]);
    assert.deepEqual(reject(withHeaders('    X-A_file:\n')), [
      'obex.yaml:5: backend.headers.X-A_file: expected the path of a file that holds the secret',
    ]);
  });
});

describe('problems', () => {
  const leaky: Readonly<Record<string, readonly [text: string, env?: Readonly<Record<string, string>>]>> = {
    'a header': [withHeaders(`    X-A: "${SECRET}\\n"\n`)],
    'a header that is a list': [withHeaders(`    X-A: [${SECRET}]\n`)],
    'headers that are a text': [minimal().replace('backend:\n', `backend:\n  headers: ${SECRET}\n`)],
    'a redis URL': [redis(`url: "http://${SECRET}"`)],
    'a redis URL in OBEX_*': [redis('url: ""'), { OBEX_DPOP_REPLAY_CACHE_REDIS_URL: `x:${SECRET}` }],
    'a nonce secret': [minimalIdp(`dpop:\n  nonce_secret: ${SECRET}\n`)],
    'a variable in a duration': [minimalIdp('  clock_skew: "${V}"\n'), { V: SECRET }],
    'a variable in a word': [minimal('log: { level: "${V}" }\n'), { V: SECRET }],
    'a default beside a variable': [minimal(`log: { level: "\${V:-${SECRET}}" }\n`)],
    'a nested placeholder': [minimal(`log: { level: "\${V:-${SECRET}\${W}}" }\n`)],
    'a variable where a list must be': [minimal('cors: { allowed_origins: "${V}" }\n'), { V: SECRET }],
    'a variable in a list': [
      minimal('cors: { allowed_origins: ["${V}"] }\n'),
      { V: `https://${SECRET.toUpperCase()}.example` },
    ],
    'a variable in public_url': [minimal().replace('https://tool.example"', '${V}/path"'), { V: `https://${SECRET}` }],
    'a variable in resource.url': [
      minimal().replace('https://tool.example/mcp', '${V}'),
      { V: `http://${SECRET}.example/` },
    ],
    'a variable in an issuer': [
      minimalIdp().replace('https://auth.example/', '${V}'),
      { V: `http://${SECRET}.example/` },
    ],
    'a password in backend.url': [minimal().replace('http://localhost', `http://u:${SECRET}@localhost`)],
    'a password without scheme': [minimal().replace('http://localhost', `u:${SECRET}@localhost`)],
    'a password in OBEX_BACKEND_URL': [minimal(), { OBEX_BACKEND_URL: `http://u:${SECRET}@b` }],
    'an open quote after a secret': [withHeaders(`    X-A: "${SECRET}\n`)],
    'a bracket after a secret': [withHeaders(`    X-A: {${SECRET}: ${SECRET}}}\n`)],
  };
  for (const [name, [text, env = {}]] of Object.entries(leaky)) {
    it(`do not quote ${name}`, () => {
      const problems = reject(text, { env });
      assert.ok(problems.length > 0);
      assert.doesNotMatch(problems.join('\n'), new RegExp(SECRET, 'i'));
    });
  }
});

describe('the effective config', () => {
  it('masks headers, the nonce secret and the password of the redis URL', () => {
    const text = `${redis(`url: "redis+sentinel://user:${SECRET}@redis:26379/main?sentinel_password=${SECRET}"`)}  nonce_secret: "${SECRET.repeat(8)}"\n`;
    const shown = formatEffectiveConfig(
      accept(text.replace('backend:\n', `backend:\n  headers: { X-A: ${SECRET} }\n`)).config,
    );
    assert.doesNotMatch(shown, new RegExp(SECRET));
    assert.match(shown, /^ {4}X-A: "\*\*\*"$/m);
    assert.match(shown, /^ {2}nonce_secret: "\*\*\*"$/m);
    assert.match(shown, /^ {6}url: redis\+sentinel:\/\/user:\*\*\*@redis:26379\/main\?\*\*\*$/m);
  });

  it('masks all of a secret that looks like a URL', () => {
    const secret = `k1://${SECRET.repeat(8)}`;
    const text = minimalIdp(`  introspection: { client_id: obex, client_secret: "${secret}" }\n`);
    const shown = formatEffectiveConfig(accept(text.replace('obex:\n', `obex:\n  secret: "${secret}"\n`)).config);
    assert.doesNotMatch(shown, /k1:|hunter2/);
  });

  it('no problem quotes a secret that was written without quotes', () => {
    const problems = reject(minimalIdp('  introspection: { client_id: obex, client_secret: 98765432109 }\n'));
    assert.match(problems.join('\n'), /client_secret: expected a text; put it in quotes$/m);
  });

  for (const text of [
    minimal(),
    minimalIdp('  jwks_uri: "https://auth.example/jwks"\n'),
    minimal('metrics: { listen: "[::1]:9" }\n'),
  ]) {
    it(`loads again as the same config: ${JSON.stringify(text.slice(95))}`, () => {
      const { config } = accept(text);
      assert.deepEqual(accept(formatEffectiveConfig(config)).config, config);
    });
  }
});
