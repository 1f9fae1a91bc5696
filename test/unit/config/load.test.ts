/** From file to Config: layouts, unknown keys, `${VAR}`, phases, and all problems at once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { packConfig, unpackConfig } from '../../../src/config/portable.ts';
import { accept, load, minimal, minimalIdp, reject } from './loading.ts';

const nested = `obex:
  public_url: "https://tool.example"
  backend:
    url: "http://localhost:9090"
  resource:
    url: "https://tool.example/mcp"
  idp:
    issuer: "https://auth.example/"
`;

describe('layout', () => {
  it('is the same nested under obex and at the top level', () => {
    assert.deepEqual(accept(nested).config, accept(minimalIdp()).config);
  });

  it('may be mixed', () => assert.equal(accept(`${nested}log:\n  level: debug\n`).config.log.level, 'debug'));

  it('refuses a section in both places', () => {
    assert.deepEqual(reject(`${nested}backend:\n  url: "http://other:1"\n`), [
      'obex.yaml:3: obex.backend: stands in two places, here and at the top level (line 9); keep one',
    ]);
  });

  it('shows nested paths as they are written', () => {
    assert.deepEqual(reject(`${nested}    clock_skew: ten\n`), [
      'obex.yaml:9: obex.idp.clock_skew: expected a duration such as "10s", "1m30s" or "250ms", got "ten"',
    ]);
  });
});

describe('unknown keys', () => {
  const sections =
    'obex, backend, limits, resource, servers, idp, login, authz, token_cache, dpop, redis, cors, log, metrics, admin';
  const cases: readonly (readonly [yaml: string, problem: string])[] = [
    ['log:\n  levle: info\n', 'obex.yaml:8: log.levle: unknown key; did you mean level?'],
    ['token-cache: {}\n', 'obex.yaml:7: token-cache: unknown key; did you mean token_cache?'],
    [
      'listen: ":1"\n',
      'obex.yaml:7: listen: unknown key here; it belongs elsewhere: obex.listen or metrics.listen or admin.listen',
    ],
    ['log:\n  clock_skew: 1s\n', 'obex.yaml:8: log.clock_skew: unknown key here; it belongs elsewhere: idp.clock_skew'],
    ['log:\n  clockskew: 1s\n', 'obex.yaml:8: log.clockskew: unknown key here; it belongs elsewhere: idp.clock_skew'],
    ['log:\n  drain_timout: 1s\n', 'obex.yaml:8: log.drain_timout: unknown key; did you mean limits.drain_timeout?'],
    ['zebra: 1\n', `obex.yaml:7: zebra: unknown key; the sections are ${sections}`],
    ['log:\n  zebra: 1\n', 'obex.yaml:8: log.zebra: unknown key; known here: level, access, probes'],
    ['log:\n  "a b": 1\n', 'obex.yaml:8: log["a b"]: unknown key; known here: level, access, probes'],
  ];
  for (const [yaml, problem] of cases) {
    it(`names the cure of ${JSON.stringify(yaml)}`, () => assert.deepEqual(reject(minimal(yaml)), [problem]));
  }

  it('suggests a section that is nested and misspelt', () => {
    assert.ok(
      reject(nested.replace('  idp:', '  ipd:')).includes('obex.yaml:7: obex.ipd: unknown key; did you mean idp?'),
    );
  });
});

describe('a misspelt key is one problem, not a missing one beside it', () => {
  const backend = minimal().replace('backend:', 'backen:');
  const cases: Readonly<Record<string, readonly [text: string, problem: string]>> = {
    'a section': [backend, 'obex.yaml:3: backen: unknown key; did you mean backend?'],
    'a value': [
      minimal().replace('  url: "http:', '  ulr: "http:'),
      'obex.yaml:4: backend.ulr: unknown key; did you mean url?',
    ],
    'a nested section': [
      nested.replace('  resource:', '  resuorce:'),
      'obex.yaml:5: obex.resuorce: unknown key; did you mean resource?',
    ],
    'a value in the wrong place': [
      minimal().replace('obex:\n  public_url', 'public_url'),
      'obex.yaml:1: public_url: unknown key here; it belongs elsewhere: obex.public_url',
    ],
    'an idp that other sections need': [
      minimalIdp('authz: { required_scopes: [a] }\n').replace('idp:', 'ipd:'),
      'obex.yaml:7: ipd: unknown key; did you mean idp?',
    ],
    'a value of an issuer': [
      minimalIdp('  additional_issuers: [{ isuer: "https://b.example" }]\n'),
      'obex.yaml:9: idp.additional_issuers[0].isuer: unknown key; did you mean issuer?',
    ],
  };
  for (const [name, [text, problem]] of Object.entries(cases)) {
    it(name, () => assert.deepEqual(reject(text), [problem]));
  }

  it('hides nothing that stands there', () => {
    assert.deepEqual(reject(minimal('backen: {}\n').replace('http://localhost:9090', 'nope')), [
      'obex.yaml:4: backend.url: expected a URL such as "http://localhost:9090", got "nope"',
      'obex.yaml:7: backen: unknown key; did you mean backend?',
    ]);
  });
});

describe('${VAR}', () => {
  const withLevel = (value: string): string => minimal(`log:\n  level: ${value}\n`);

  it('expands in text, lists included', () => {
    const text = minimalIdp('authz:\n  required_scopes: ["${A}:read", "x${B:-}y"]\n');
    assert.deepEqual(accept(text, { env: { A: 'mcp' } }).config.servers[0].authz.required_scopes, ['mcp:read', 'xy']);
  });

  it('names the values of a list, with commas between them, where a list belongs', () => {
    const text = minimalIdp('  accepted_algorithms: "${ALGORITHMS:-RS256}"\n').replace(
      'tool.example/mcp"\n',
      'tool.example/mcp"\n  audiences: "${AUDIENCES:-}"\n',
    );
    const given = accept(text, { env: { ALGORITHMS: 'ES256, PS256', AUDIENCES: 'api://a,' } }).config;
    assert.deepEqual(given.idp?.accepted_algorithms, ['ES256', 'PS256']);
    assert.deepEqual(given.servers[0].resource.audiences, ['api://a']);
    const absent = accept(text).config;
    assert.deepEqual(absent.idp?.accepted_algorithms, ['RS256']);
    assert.deepEqual(absent.servers[0].resource.audiences, []);
  });

  it('takes the default for a missing and for an empty variable', () => {
    assert.equal(accept(withLevel('"${LEVEL:-warn}"')).config.log.level, 'warn');
    assert.equal(accept(withLevel('"${LEVEL:-warn}"'), { env: { LEVEL: '' } }).config.log.level, 'warn');
    assert.equal(accept(withLevel('"${LEVEL:-warn}"'), { env: { LEVEL: 'error' } }).config.log.level, 'error');
  });

  it('becomes a boolean or a number where one is expected', () => {
    const text = minimal('log: {}\n')
      .replace('obex:\n', 'obex:\n  tls: { enabled: "${TLS:-false}" }\n')
      .replace('backend:\n', 'backend:\n  max_idle_conns: "${IDLE}"\n');
    const { config } = accept(text, { env: { IDLE: '7', TLS: 'true' } });
    assert.equal(config.obex.tls.enabled, true);
    assert.equal(config.servers[0].backend.max_idle_conns, 7);
  });

  it('names a missing variable, and an empty one, with the line', () => {
    const cure = 'set it, or give a default: ${LEVEL:-default}';
    assert.deepEqual(reject(withLevel('"${LEVEL}"')), [
      `obex.yaml:8: log.level: the environment variable LEVEL is not set; ${cure}`,
    ]);
    assert.deepEqual(reject(withLevel('"${LEVEL}"'), { env: { LEVEL: '' } }), [
      `obex.yaml:8: log.level: the environment variable LEVEL is empty; ${cure}`,
    ]);
  });

  it('is literal after $${', () => {
    const text = minimal().replace('backend:\n', () => 'backend:\n  headers: { X-A: "$${B} $$ $C" }\n');
    assert.deepEqual(accept(text).config.servers[0].backend.headers, { 'X-A': '${B} $$ $C' });
  });

  for (const text of ['${', '${}', '${A-b}', '${1A}', '${A:-${B}}', '${A b}']) {
    it(`refuses ${text}`, () => {
      assert.deepEqual(reject(withLevel(JSON.stringify(text))), [
        'obex.yaml:8: log.level: expected ${NAME} or ${NAME:-default} (not nested); write $${ for a literal "${"',
      ]);
    });
  }

  it('cannot bring YAML, another variable or a key', () => {
    const env = { V: 'x"\n  B: injected # ${HOME}', HOME: 'secret' };
    const text = minimalIdp('').replace('resource:\n', 'resource:\n  audiences: ["${V}"]\n');
    assert.deepEqual(accept(text, { env }).config.servers[0].resource.audiences, [env.V]);
  });

  it('does not expand in keys', () => {
    const [problem] = reject(minimal('log:\n  "${KEY}": info\n'), { env: { KEY: 'level' } });
    assert.equal(problem, 'obex.yaml:8: log["${KEY}"]: unknown key; known here: level, access, probes');
  });
});

describe('phase', () => {
  it('is 1 without idp, with a loud warning', () => {
    const { phase, warnings } = accept(minimal());
    assert.equal(phase, 1);
    assert.match(warnings[0] ?? '', /AUTHENTICATES NOBODY/);
  });

  it('is 2 with idp, without that warning', () => {
    const { phase, warnings } = accept(minimalIdp());
    assert.equal(phase, 2);
    assert.ok(!warnings.join().includes('NOBODY'));
  });

  it('is not lowered to 1 by an idp without content', () => {
    const cure = 'is empty; give it at least its issuer (idp.issuer); without idp, Obex would authenticate nobody';
    assert.deepEqual(reject(minimal('idp:\n')), [`obex.yaml:7: idp: ${cure}`]);
    assert.deepEqual(reject(minimal('idp: null\n')), [`obex.yaml:7: idp: ${cure}`]);
    const required = 'idp.issuer: is required; for example "https://auth.your-company.com/"';
    assert.deepEqual(reject(minimal('idp: {}\n')), [`obex.yaml:7: ${required}`]);
    assert.deepEqual(reject(minimal('idp:\n  clock_skew: 1s\n')), [`obex.yaml:7: ${required}`]);
    assert.deepEqual(reject(minimal('idp: ""\n')), [
      'obex.yaml:7: idp: expected a map of keys, got ""; write { issuer: "https://auth.your-company.com/" }',
    ]);
  });

  for (const section of ['authz', 'dpop']) {
    it(`needs idp for ${section}, even when it is empty`, () => {
      const cure = 'without idp Obex authenticates nobody; add idp with its issuer';
      for (const content of ['{}', '']) {
        assert.deepEqual(reject(minimal(`${section}: ${content}\n`)), [
          `obex.yaml:7: ${section}: needs idp: ${cure}, or delete ${section}`,
        ]);
      }
    });
  }
});

describe('dpop', () => {
  it('enabled is phase 3, whatever way it is said', () => {
    for (const enabled of ['true', '"${ON:-true}"']) {
      assert.equal(accept(minimalIdp(`dpop:\n  enabled: ${enabled}\n`)).phase, 3);
    }
  });
  it('may stand when it is off', () => {
    const { config, phase } = accept(minimalIdp('dpop:\n  enabled: false\n  proof_lifetime: 30s\n'));
    assert.deepEqual([config.dpop.proof_lifetime, phase], [30_000, 2]);
  });
  for (const asked of ['required: true', 'nonce: required']) {
    it(`${asked} without enabled is refused, never ignored`, () => {
      const key = asked.split(':')[0];
      assert.deepEqual(reject(minimalIdp(`dpop:\n  ${asked}\n`)), [
        `obex.yaml:10: dpop.${key}: needs dpop.enabled: true; set that, or delete dpop.${key}`,
      ]);
    });
  }
});

describe('workers', () => {
  const onSocket = (workers: string): string =>
    minimal().replace('obex:\n', `obex:\n  listen: "unix:/run/obex.sock"\n  workers: ${workers}\n`);

  it('cannot share a unix socket', () => {
    assert.deepEqual(reject(onSocket('2')), [
      'obex.yaml:3: obex.workers: needs a port: a unix socket has one thread; write 1, or "auto"',
    ]);
  });

  for (const workers of ['1', 'auto']) it(`${workers}: fine on a unix socket`, () => void accept(onSocket(workers)));

  it('are given a config that comes out as it went in', () => {
    const { config } = accept(minimalIdp());
    assert.deepEqual(unpackConfig(structuredClone(packConfig(config))), config);
  });
});

describe('all problems at once', () => {
  it('come by line, with those between values among them', () => {
    const text = `obex:
  public_url: "https://tool.example"
  listen: "nope"
resource:
  url: "http://other.example/mcp"
idp:
  issuer: "http://auth.example/"
  clock_skew: "ten"
  accepted_algorithms: [none]
  jwks_refresh: "2h"
  jwks_max_stale: "1h"
`;
    const loaded = load(text);
    const places = 'problems' in loaded ? loaded.problems.map(({ line, path }) => `${line} ${path}`) : [];
    assert.deepEqual(places, [
      'undefined backend.url',
      '3 obex.listen',
      '5 resource.url',
      '7 idp.issuer',
      '8 idp.clock_skew',
      '9 idp.accepted_algorithms[0]',
      '11 idp.jwks_max_stale',
    ]);
  });
});
