/** `backend.claim_headers`, `backend.assertion` and `obex.secret`: what they may be, and what is said when they are not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatEffectiveConfig } from '../../../src/config/mask.ts';
import { accept, minimal, minimalIdp, reject } from './loading.ts';

const inBackend = (lines: string, text = minimalIdp()): string => text.replace('backend:\n', `backend:\n  ${lines}\n`);
const claims = (map: string): string => inBackend(`claim_headers: ${map}`);
const inObex = (line: string, text = minimalIdp()): string => text.replace('obex:\n', `obex:\n  ${line}\n`);

/** One problem, without its place. */
function refusal(text: string): string {
  const problems = reject(text);
  assert.equal(problems.length, 1, problems.join('\n'));
  return (problems[0] ?? '').replace(/^obex\.yaml(:\d+)?: /, '');
}

describe('backend.claim_headers', () => {
  it('takes bare names, URIs as names, and JSON pointers, under any other field name', () => {
    const map = {
      'X-Forwarded-Email': 'email',
      'X-Forwarded-User': 'sub',
      'X-Tenant': 'https://acme.example/tenant',
      'X-Roles': '/realm_access/roles',
      'Remote-User': '/a~1b/0',
    };
    const { config } = accept(claims(JSON.stringify(map)));
    assert.deepEqual(config.servers[0].backend.claim_headers, map);
    assert.deepEqual(accept(formatEffectiveConfig(config)).config, config);
  });

  const own = 'cannot hold a claim: Obex tells the backend by it where the request comes from; choose another name';
  const cases: readonly (readonly [name: string, problem: string])[] = [
    ['X-Obex-Email', 'cannot hold a claim: X-Obex-* are fields of Obex itself; choose another name'],
    ['x_obex_user', 'cannot hold a claim: X-Obex-* are fields of Obex itself; choose another name'],
    ...['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'x_forwarded_port'].map(
      (name) => [name, own] as const,
    ),
    ['Host', 'cannot hold a claim: Obex sets Host as backend.host says; choose another name'],
    ['Transfer-Encoding', 'cannot hold a claim: Obex frames every request by itself; choose another name'],
    ['TE', 'cannot hold a claim: hop-by-hop fields are not passed on (RFC 9110 §7.6.1); choose another name'],
    ...['Authorization', 'cookie'].map(
      (name) =>
        [
          name,
          'cannot hold a claim: it carries credentials; choose another name, and write credentials of Obex into backend.headers',
        ] as const,
    ),
    ['Mcp-Session-Id', 'cannot hold a claim: the backend needs it to understand the request; choose another name'],
  ];
  for (const [name, problem] of cases) {
    it(`refuses the field ${name}`, () =>
      assert.equal(refusal(claims(`{ ${name}: email }`)), `backend.claim_headers.${name}: ${problem}`));
  }

  const faults: Readonly<Record<string, readonly [map: string, problem: string]>> = {
    'no map': [
      'email',
      'backend.claim_headers: expected header names with claims, such as { X-Forwarded-Email: email, X-Groups: /groups }',
    ],
    'an illegal name': [
      '{ "X A": email }',
      'backend.claim_headers["X…"]: is not a legal header name: use letters, digits and "-"',
    ],
    'one field twice': [
      '{ X-Email: email, x_email: mail }',
      'backend.claim_headers.x_email: is the same header as X-Email; delete one',
    ],
    'a path with dots': [
      '{ X-Email: realm_access.email }',
      'backend.claim_headers.X-Email: a claim inside another is named by a JSON pointer; write "/realm_access/email"; a claim with that very name is "/realm_access.email"',
    ],
    'no claim': ['{ X-Email: "" }', 'backend.claim_headers.X-Email: is empty; name a claim, such as "email"'],
    'a list': [
      '{ X-Email: [email] }',
      'backend.claim_headers.X-Email: expected the name of a claim, such as "email", or a JSON pointer such as "/realm_access/roles"',
    ],
    'a pointer that is none': [
      '{ X-Email: /a~b }',
      'backend.claim_headers.X-Email: is no JSON pointer (RFC 6901): "~" must be written ~0, and a "/" within a name ~1',
    ],
    'a claim without end': [
      `{ X-Email: ${'e'.repeat(257)} }`,
      'backend.claim_headers.X-Email: must not be longer than 256 characters',
    ],
    'a control character': [
      String.raw`{ X-Email: "e\n" }`,
      'backend.claim_headers.X-Email: must have no control characters; copy the name from a token',
    ],
    'more than 32': [
      JSON.stringify(Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`X-${index}`, 'email']))),
      'backend.claim_headers: names more than 32 headers; delete some',
    ],
  };
  for (const [what, [map, problem]] of Object.entries(faults)) {
    it(`refuses ${what}`, () => assert.equal(refusal(claims(map)), problem));
  }

  it('refuses what backend.headers writes, in any spelling', () => {
    const text = inBackend('headers: { X-Email: me }\n  claim_headers: { x_email: email }');
    assert.equal(
      refusal(text),
      'backend.claim_headers.x_email: is the same header as backend.headers.X-Email; delete one, or choose another name',
    );
  });

  it('refuses a field that backend.headers reads from a file', () => {
    const text = inBackend('headers: { X-Email_file: /s/mail }\n  claim_headers: { X-Email: email }');
    const [problem] = reject(text, { files: { '/s/mail': 'me' } });
    assert.match(problem ?? '', /is the same header as backend\.headers\.X-Email/);
  });

  it('needs idp, unless it is empty', () => {
    const cure = 'without idp Obex authenticates nobody; add idp with its issuer, or delete backend.claim_headers';
    assert.equal(
      refusal(inBackend('claim_headers: { X-Email: email }', minimal())),
      `backend.claim_headers: needs idp: ${cure}`,
    );
    accept(inBackend('claim_headers: {}', minimal()));
  });
});

describe('backend.assertion', () => {
  const on = (keys = ''): string => inBackend(`assertion: { enabled: true${keys} }`);

  it('has a life of 10 seconds to an hour', () => {
    assert.equal(accept(on()).config.servers[0].backend.assertion.ttl, 60_000);
    assert.equal(refusal(on(', ttl: 9s')), 'backend.assertion.ttl: expected a duration from 10s to 1h, got "9s"');
  });

  it('needs idp, unless it is off', () => {
    const cure = 'without idp Obex authenticates nobody; add idp with its issuer, or delete backend.assertion';
    assert.equal(
      refusal(inBackend('assertion: { enabled: true }', minimal())),
      `backend.assertion.enabled: needs idp: ${cure}`,
    );
    accept(inBackend('assertion: { enabled: false }', minimal()));
  });

  it('warns of a key that each replica makes for itself', () => {
    assert.match(
      accept(on()).warnings.join('\n'),
      /backend\.assertion\.key_file is empty: each replica makes a key of its own/,
    );
    assert.doesNotMatch(accept(on(', key_file: /k.pem')).warnings.join('\n'), /assertion/);
  });

  it('warns of keys that do nothing', () => {
    const { warnings } = accept(inBackend('assertion: { key_file: /k.pem }'));
    assert.match(warnings.join('\n'), /backend\.assertion has no effect without enabled: true/);
  });
});

describe('obex.secret', () => {
  const SECRET = 's3cr3t-'.repeat(5);
  const nonces = `dpop: { enabled: true, nonce: required, replay_cache: { backend: redis, redis: { url: "redis://r" } } }\n`;

  it('has at least 32 characters, is read from a file too, and is never shown', () => {
    const problem = 'expected at least 32 characters, such as the output of "openssl rand -base64 32"';
    assert.equal(refusal(inObex('secret: short')), `obex.secret: ${problem}`);
    const { config } = accept(inObex('secret_file: /s'), { files: { '/s': `${SECRET}\n` } });
    assert.equal(config.obex.secret, SECRET);
    assert.match(formatEffectiveConfig(config), /^ {2}secret: "\*\*\*"$/m);
    assert.equal(accept(minimal(), { env: { OBEX_SECRET: SECRET } }).config.obex.secret, SECRET);
  });

  it('does for the nonces of several replicas', () => {
    const warning = /dpop\.nonce_secret and obex\.secret are absent/;
    assert.match(accept(minimalIdp(nonces)).warnings.join('\n'), warning);
    assert.doesNotMatch(accept(inObex(`secret: ${SECRET}`, minimalIdp(nonces))).warnings.join('\n'), warning);
  });
});
