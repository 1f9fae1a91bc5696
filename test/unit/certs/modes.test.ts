/** TLS_MODE: which there are, and what each needs of its surroundings. */
import assert from 'node:assert/strict';
import { chmodSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { CertsFolder } from './folder.ts';

describe('TLS_MODE=external', () => {
  it('is fine when TLS is off in Obex', (context) => {
    const folder = new CertsFolder(context);
    assert.deepEqual(folder.certs({ TLS_MODE: 'external', OBEX_TLS_ENABLED: 'false' }), {
      code: 0,
      stdout: 'TLS_MODE=external: Obex serves plain HTTP; the proxy in front ends TLS.\n',
      stderr: '',
    });
    assert.deepEqual(readdirSync(folder.path), []);
  });

  for (const value of [undefined, '', 'true']) {
    it(`is refused with OBEX_TLS_ENABLED=${value}`, (context) => {
      const env = { TLS_MODE: 'external', ...(value !== undefined && { OBEX_TLS_ENABLED: value }) };
      assert.deepEqual(new CertsFolder(context).certs(env), {
        code: 1,
        stdout: '',
        stderr: `ERROR: TLS_MODE=external but TLS is still enabled in Obex (the environment variable OBEX_TLS_ENABLED is "${value ?? ''}"; no configuration file is read here).
  Set OBEX_TLS_ENABLED=false, so that the proxy in front ends TLS; or choose another TLS_MODE.
`,
      });
    });
  }
});

describe('OBEX_BIND beside TLS_MODE=external: the plain port was published past the proxy', () => {
  for (const bind of ['0.0.0.0', '::', '[::]']) {
    it(`is refused as ${bind}`, (context) => {
      const env = { TLS_MODE: 'external', OBEX_TLS_ENABLED: 'false', OBEX_BIND: bind };
      assert.deepEqual(new CertsFolder(context).certs(env), {
        code: 1,
        stdout: '',
        stderr: `ERROR: TLS_MODE=external but OBEX_BIND=${bind} publishes the plain HTTP of Obex on every address, past the proxy.
  Set OBEX_BIND=127.0.0.1, or the one address at which a proxy on another machine reaches Obex.
`,
      });
    });
  }

  it('may be one address', (context) => {
    const env = { TLS_MODE: 'external', OBEX_TLS_ENABLED: 'false', OBEX_BIND: '10.0.0.5' };
    assert.equal(new CertsFolder(context).certs(env).code, 0);
  });
});

describe('OBEX_TLS_ENABLED=false beside certificates of Obex itself: plain HTTP was served, and "OK" said', () => {
  for (const mode of ['self-signed', 'provided']) {
    it(`is refused with TLS_MODE=${mode}, and nothing is made`, (context) => {
      const folder = new CertsFolder(context);
      assert.deepEqual(folder.certs({ TLS_MODE: mode, SERVER_IP: '10.0.0.5', OBEX_TLS_ENABLED: 'false' }), {
        code: 1,
        stdout: '',
        stderr: `ERROR: TLS_MODE=${mode} but TLS is off in Obex, which would serve plain HTTP (the environment variable OBEX_TLS_ENABLED is "false").
  Set OBEX_TLS_ENABLED=true; or TLS_MODE=external, if a proxy in front ends TLS.
`,
      });
      assert.deepEqual(readdirSync(folder.path), []);
    });
  }

  it('is none of the business of a command that knows nothing of it', (context) => {
    assert.equal(new CertsFolder(context).certs({ TLS_MODE: 'self-signed', OBEX_TLS_ENABLED: 'true' }).code, 0);
  });
});

describe('--uid: the user that Obex will run as', () => {
  /** Nobody that the tests run as. */
  const UID = 65_531;

  it('that cannot read the key is an error: Obex would fail again and again', (context) => {
    const folder = new CertsFolder(context);
    folder.write(folder.foreignPair());
    chmodSync(folder.path, 0o755);
    chmodSync(folder.file('server.key'), 0o600);
    const { code, stdout, stderr } = folder.certs({ TLS_MODE: 'provided' }, folder.path, UID);
    assert.deepEqual([code, stdout], [1, '']);
    assert.equal(
      stderr,
      `ERROR: UID ${UID}, which Obex runs as, cannot read …/server.key.
  chmod 755 … && chown ${UID} …/server.crt …/server.key && chmod 400 …/server.key && chmod 644 …/server.crt
`,
    );
    chmodSync(folder.file('server.key'), 0o644);
    const fine = { code: 0, stdout: 'Provided certificate OK.\n', stderr: '' };
    assert.deepEqual(folder.certs({ TLS_MODE: 'provided' }, folder.path, UID), fine);
  });

  it('nor with a self-signed certificate, where it could not be handed over', (context) => {
    const folder = new CertsFolder(context);
    const { code, stderr } = folder.certs({ TLS_MODE: 'self-signed' }, folder.path, UID);
    assert.equal(code, 1);
    assert.match(stderr, /^ERROR: UID 65531, which Obex runs as, cannot read …\/server\.crt and …\/server\.key\.\n/);
  });
});

describe('wrong usage', () => {
  const refusals: readonly [Readonly<Record<string, string>>, string][] = [
    [
      {},
      'the environment variable TLS_MODE: expected self-signed, provided or external, got ""; for example TLS_MODE=self-signed SERVER_IP=localhost obex certs',
    ],
    [
      { TLS_MODE: 'selfsigned' },
      'the environment variable TLS_MODE: expected self-signed, provided or external, got "selfsigned"; for example TLS_MODE=self-signed SERVER_IP=localhost obex certs',
    ],
    ...['https://tool.example', '10.0.0.300', 'a..b', '-a', '[::1]', 'fe80::1%eth0', 'tool.example:8443', 'a b'].map(
      (host): [Readonly<Record<string, string>>, string] => [
        { TLS_MODE: 'self-signed', SERVER_IP: host },
        `SERVER_IP: expected an IP address or a DNS name such as "10.0.0.5", got "${host}"`,
      ],
    ),
  ];
  for (const [env, problem] of refusals) {
    it(problem, (context) => {
      const folder = new CertsFolder(context);
      assert.deepEqual(folder.certs(env), { code: 2, stdout: '', stderr: `obex: ${problem}\n` });
      assert.deepEqual(readdirSync(folder.path), []);
    });
  }
});
