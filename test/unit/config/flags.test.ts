/** Values of the command line: precedence, what may be set, what follows without a file, and that they never lower the phase. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LEAVES } from '../../../src/config/catalogue.ts';
import { readFlags, type WrittenFlags } from '../../../src/config/flags.ts';
import { formatProblem, type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { minimal, minimalIdp } from './loading.ts';

interface Beside {
  /** The file; absent = none. */
  readonly text?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
}

function load(written: WrittenFlags, { text, env = {}, files = {} }: Beside = {}): ReturnType<typeof loadConfig> {
  const flags = readFlags(text === undefined ? written : { ...written, config: ['obex.yaml'] });
  if ('problem' in flags) assert.fail(flags.problem);
  const readFile = (path: string): string => files[path] ?? assert.fail(`the config reads ${path}`);
  const file = text === undefined ? 'the command line' : 'obex.yaml';
  return loadConfig({ file, text: text ?? '{}', env, flags, readFile });
}

function accept(written: WrittenFlags, beside: Beside = {}): LoadedConfig {
  const loaded = load(written, beside);
  if ('problems' in loaded) assert.fail(loaded.problems.map(formatProblem).join('\n'));
  return loaded;
}

function reject(written: WrittenFlags, beside: Beside = {}): string[] {
  const loaded = load(written, beside);
  return 'problems' in loaded ? loaded.problems.map(formatProblem) : assert.fail('the config was accepted');
}

const BACKEND = { backend: ['http://localhost:9090'] };
const ISSUER = { issuer: ['https://auth.example/'] };

describe('flags and the file', () => {
  it('flag wins over environment, environment over file', () => {
    const env = { OBEX_LOG_LEVEL: 'warn', OBEX_BACKEND_TIMEOUT: '2s' };
    const text = minimal('log: { level: info, access: denied }\n').replace('backend:\n', 'backend:\n  timeout: "1s"\n');
    const { config } = accept({ set: ['log.level=error'] }, { text, env });
    assert.deepEqual(
      [config.log.level, config.log.access, config.servers[0].backend.timeout],
      ['error', 'denied', 2000],
    );
  });

  it('--backend, --public-url and --issuer are values like any other', () => {
    const written = { backend: ['http://b:1'], publicUrl: ['https://a.example'], ...ISSUER };
    const { config, phase } = accept(written, { text: minimal() });
    assert.deepEqual(
      [config.servers[0].backend.url.href, config.obex.public_url.href, config.idp?.issuer, phase],
      ['http://b:1/', 'https://a.example/', 'https://auth.example/', 2],
    );
    assert.equal(config.servers[0].resource.url, 'https://tool.example/mcp');
  });

  it('reach a section that is nested under obex', () => {
    const text =
      'obex:\n  public_url: "https://a.example"\n  backend: { url: "http://b:1" }\n  resource: { url: "https://a.example/mcp" }\n';
    assert.equal(accept({ set: ['backend.url=http://c:2'] }, { text }).config.servers[0].backend.url.host, 'c:2');
  });

  it('fill in nothing', () => {
    const { config, filledIn } = accept(BACKEND, { text: minimal() });
    assert.deepEqual(
      [config.obex.listen, config.servers[0].resource.url],
      [{ host: undefined, port: 8443 }, 'https://tool.example/mcp'],
    );
    assert.deepEqual(filledIn, []);
  });

  it('a command takes the place of a URL, and a URL that of a command', () => {
    const program = accept({ command: ['node', 'a,b', '--set', 'x'] }, { text: minimal() }).config.servers[0].backend;
    assert.deepEqual([program.command, program.args], [['node'], ['a,b', '--set', 'x']]);
    const text = minimal().replace('url: "http://localhost:9090"', 'command: [npx]\n  args: [x]');
    const { backend } = accept({ backend: ['http://b:1'] }, { text }).config.servers[0];
    assert.deepEqual([backend.url.href, backend.command, backend.args], ['http://b:1/', [], []]);
  });

  it('are refused where they are for one server and the file names several', () => {
    const text = 'obex: { public_url: "https://t.example" }\nservers: { a: { backend: { url: "http://a:1" } } }\n';
    assert.deepEqual(reject({ set: ['backend.timeout=1s'] }, { text }), [
      '--set: backend.timeout: is for one server, and obex.yaml names servers; leave it out, and write it there',
    ]);
  });

  it('a command takes the place of a URL in the environment', () => {
    const { backend } = accept({ command: ['node'] }, { env: { OBEX_BACKEND_URL: 'http://b:1' } }).config.servers[0];
    assert.deepEqual(backend.command, ['node']);
  });
});

describe('--set', () => {
  it('takes lists with commas between their values', () => {
    const written = { ...ISSUER, set: ['authz.required_scopes=mcp:read, mcp:write', 'cors.allowed_origins=*'] };
    const { config } = accept(written, { text: minimal() });
    assert.deepEqual(config.servers[0].authz.required_scopes, ['mcp:read', 'mcp:write']);
    assert.deepEqual(config.cors.allowed_origins, ['*']);
  });

  it('takes what stands after the first "=", and expands nothing', () => {
    assert.equal(
      accept({ set: ['resource.url=https://tool.example/mcp?a=b'] }, { text: minimal() }).config.servers[0].resource
        .url,
      'https://tool.example/mcp?a=b',
    );
    assert.deepEqual(reject({ set: ['log.level=${HOME}'] }, { text: minimal(), env: { HOME: 'info' } }), [
      '--set: log.level: expected one of "trace", "debug", "info", "warn", "error", "fatal", got "${HOME}"',
    ]);
  });

  it('knows every single value and list outside lists and maps, but secrets', () => {
    for (const { path, info } of LEAVES) {
      const key = path.join('.');
      const problem = reject({ set: [`${key}=`] }, { text: minimal() })[0] ?? '';
      const isKnown = !info.secret && info.kind !== 'map' && !path.includes('[]');
      assert.equal(problem === `--set: ${key}: is empty; give it a value, or leave it out`, isKnown, problem);
    }
  });

  const refused: Readonly<Record<string, string>> = {
    'log.levle=info': 'log.levle: unknown key; did you mean level?',
    'public_url=https://a.example': 'public_url: unknown key here; it belongs elsewhere: obex.public_url',
    'log.level.x=1': 'log.level.x: unknown key; log.level is a single value',
    'log=info': 'log: is a section; set one of its keys: level, access, probes',
    'backend.headers.X-Key=hunter2':
      'backend.headers.X-Key: backend.headers is a map, which no flag can hold; write it in a file, and name that with --config',
    'idp.additional_issuers[0].issuer=x':
      'idp["additional_issuers[0]"].issuer: idp.additional_issuers is a list of maps, which no flag can hold; write it in a ' +
      'file, and name that with --config',
    'resource.audiences[0]=x':
      'resource["audiences[0]"]: is part of a list; set all of it, with commas between its values',
    'resource.audiences=,': 'resource.audiences: is empty; give it a value, or leave it out',
    'idp.issuer=': 'idp.issuer: is empty; give it a value, or leave it out',
    'cors.allowed_headers=a b,c': 'cors.allowed_headers[0]: expected a header name such as "X-Tenant", got "a b"',
    'redis.url=redis://:hunter2@r':
      'redis.url: is a secret, and every user of this machine can read command lines; write it to a file and set redis.url_file=PATH',
  };
  for (const [setting, problem] of Object.entries(refused)) {
    it(`${setting} is refused, the flag named as its place`, () =>
      assert.deepEqual(reject({ set: [setting] }, { text: minimal() }), [`--set: ${problem}`]));
  }

  it('reads a secret from a file, which wins over one that stands in the config', () => {
    const text = minimalIdp('dpop:\n  nonce_secret: "the-secret-of-the-file-32-bytes-long"\n');
    const secret = 'the-secret-of-the-flag-32-bytes-long';
    const { config } = accept({ set: ['dpop.nonce_secret_file=/run/s'] }, { text, files: { '/run/s': secret } });
    assert.equal(config.dpop.nonce_secret, secret);
    assert.deepEqual(
      reject({ set: ['dpop.nonce_secret_file=/run/s'] }, { text, files: { '/run/s': 'short' } }).length,
      1,
    );
  });

  it('names itself as the place of what is wrong with a secret in a file', () => {
    const problems = reject(
      { set: ['obex.secret_file=/run/s'] },
      { text: minimal(), env: { OBEX_REDIS_URL_FILE: '/run/r' }, files: { '/run/s': 'short', '/run/r': 'hunter2' } },
    );
    assert.deepEqual(
      problems.map((problem) => problem.split(': ').slice(0, 2)),
      [
        ['--set', 'obex.secret_file'],
        ['OBEX_REDIS_URL_FILE', 'redis.url_file'],
      ],
    );
  });

  it('names itself as the place of a section that it alone has made', () => {
    assert.deepEqual(reject({ set: ['authz.required_scopes=a'] }, { text: minimal() }), [
      '--set: authz: needs idp: without idp Obex authenticates nobody; add idp with its issuer, or delete authz',
    ]);
  });
});

describe('flags and the phase', () => {
  it('raise it', () => {
    const text = minimal();
    assert.equal(accept(ISSUER, { text }).phase, 2);
    assert.equal(accept({ ...ISSUER, set: ['dpop.enabled=true'] }, { text }).phase, 3);
  });

  it('never lower it by an empty issuer', () => {
    assert.deepEqual(reject({ issuer: [''] }, { text: minimalIdp() }), [
      '--issuer: is empty; give it a value, or leave it out',
    ]);
  });

  for (const value of ['', 'null', '~', '{}']) {
    it(`never lower it by --set idp=${value}, or login`, () => {
      for (const section of ['idp', 'login']) {
        const [problem = ''] = reject({ set: [`${section}=${value}`] }, { text: minimalIdp() });
        assert.match(problem, new RegExp(`^--set: ${section}: is a section; set one of its keys: `));
      }
    });
  }

  it('never lower it by dpop.enabled=false over a file, or over the environment', () => {
    const set = ['dpop.enabled=false'];
    assert.deepEqual(reject({ set }, { text: minimalIdp('dpop: { enabled: true }\n') }), [
      '--set: dpop.enabled: cannot switch off what obex.yaml demands; change dpop.enabled there',
    ]);
    assert.deepEqual(reject({ set }, { text: minimalIdp(), env: { OBEX_DPOP_ENABLED: 'true' } }), [
      '--set: dpop.enabled: cannot switch off what OBEX_DPOP_ENABLED demands; change dpop.enabled there',
    ]);
    assert.equal(accept({ ...BACKEND, ...ISSUER, set }).phase, 2);
  });
});

describe('without a file', () => {
  it('Obex listens on this machine, and users type the path of the backend', () => {
    const { config, filledIn, phase } = accept({ backend: ['http://localhost:9090/x/mcp/'], ...ISSUER });
    assert.deepEqual(
      [
        config.obex.listen,
        config.obex.public_url.origin,
        config.servers[0].backend.url.origin,
        config.servers[0].resource.url,
        phase,
      ],
      [
        { host: '127.0.0.1', port: 8443 },
        'http://localhost:8443',
        'http://localhost:9090',
        'http://localhost:8443/x/mcp/',
        2,
      ],
    );
    assert.deepEqual(filledIn, [
      'by default: obex.listen: "127.0.0.1:8443"',
      'by default: obex.public_url: "http://localhost:8443"',
      'by default: resource.url: "http://localhost:8443/x/mcp/"',
    ]);
  });

  it('the path is /mcp where the backend has none, or is a command', () => {
    for (const written of [BACKEND, { backend: ['http://localhost:9090/'] }, { command: ['node'] }]) {
      assert.equal(accept(written).config.servers[0].resource.url, 'http://localhost:8443/mcp');
    }
  });

  it('what is given stays, by flag and by variable, and what follows goes by it', () => {
    const publicUrl = ['https://tool.example'];
    assert.equal(accept({ ...BACKEND, publicUrl }).config.servers[0].resource.url, 'https://tool.example/mcp');
    const env = { OBEX_LISTEN: '127.0.0.2:9000', OBEX_TLS_ENABLED: 'true' };
    assert.deepEqual(accept(BACKEND, { env }).filledIn, [
      'by default: obex.public_url: "https://127.0.0.2:9000"',
      'by default: resource.url: "https://127.0.0.2:9000/mcp"',
    ]);
    const set = ['obex.listen=[::1]:1', 'resource.url=http://localhost:1/other'];
    assert.deepEqual(accept({ ...BACKEND, set }).filledIn, ['by default: obex.public_url: "http://localhost:1"']);
  });

  for (const listen of [':8443', '127.0.0.1:0', 'unix:/run/obex.sock']) {
    it(`the public URL is required with obex.listen=${listen}, and nothing else is said`, () => {
      assert.deepEqual(reject({ ...BACKEND, set: [`obex.listen=${listen}`] }), [
        'the command line: obex.public_url: is required where obex.listen is no fixed port of loopback; name the URL under which ' +
          'clients reach Obex: --public-url https://my-tool.example.com',
      ]);
    });
  }

  it('one mistake is one problem', () => {
    assert.deepEqual(reject({ ...BACKEND, set: ['obex.listen=foo'] }), [
      '--set: obex.listen: expected ":8443", "127.0.0.1:8443", "[::1]:8443" or "unix:/run/obex.sock", got "foo"',
    ]);
    assert.deepEqual(reject({ ...BACKEND, publicUrl: ['tool.example'] }), [
      '--public-url: obex.public_url: expected a URL such as "https://my-tool.example.com", got "tool.example"',
    ]);
    assert.deepEqual(reject({ backend: ['http://u:hunter2@b/mcp'] }), [
      '--backend: backend.url: must not hold a user name or password; delete all up to the "@"',
    ]);
    assert.deepEqual(reject({ ...BACKEND, set: ['idp.clock_skew=1s'] }), [
      'the command line: idp.issuer: is required; for example "https://auth.your-company.com/"',
    ]);
  });

  it('the effective config is a file that says the same', () => {
    const set = ['authz.required_scopes=a,b', 'limits.max_connections=100', 'obex.listen=127.0.0.1:1'];
    for (const written of [{ ...BACKEND, ...ISSUER, set }, { command: ['node', 'x.js'], ...ISSUER, set }, BACKEND]) {
      const text = formatEffectiveConfig(accept(written).config);
      assert.equal(formatEffectiveConfig(accept({}, { text }).config), text);
    }
  });
});
