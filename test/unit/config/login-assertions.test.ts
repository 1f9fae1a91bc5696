/** `login.identity_assertions`: whose assertions are taken, of whom. draft-ietf-oauth-identity-assertion-authz-grant-03 §3.1 (sub), §8.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, reject } from './loading.ts';
import { google, OBEX_SECRET, oidc } from './login-config.ts';

const IDP = 'https://idp.example';
const CLIENT = `{ client_id: agent, client_secret: "${OBEX_SECRET}", redirect_uris: ["https://a.example/"] }`;
const CLIENTS = `  clients: { static: [${CLIENT}, { client_id: public, redirect_uris: ["https://b.example/"] }] }\n`;
const GOOD = `{ issuer: "${IDP}", client_ids: [agent] }`;
const AT = '16: login.identity_assertions[0]';

/** What stands in line 16, after the clients. */
const assertions = (list: string, more = ''): string => oidc(`${CLIENTS}  identity_assertions: [${list}]\n${more}`);

describe('login.identity_assertions', () => {
  it('is empty by default', () => assert.deepEqual(accept(google()).config.login?.identity_assertions, []));

  it('takes the IdP, whose keys are found by discovery', () => {
    assert.deepEqual(accept(assertions(GOOD)).config.login?.identity_assertions, [
      { issuer: IDP, client_ids: ['agent'] },
    ]);
  });

  it('takes the place of the keys, and the client whose secret is in a file', () => {
    const jwksUri = 'https://keys.example/jwks';
    const text = assertions(`{ issuer: "${IDP}", jwks_uri: "${jwksUri}", client_ids: [agent] }`);
    const inFile = text.replace(`client_secret: "${OBEX_SECRET}"`, 'client_secret_file: /s');
    for (const [written, files] of [
      [text, {}],
      [inFile, { '/s': OBEX_SECRET }],
    ] as const) {
      const { login } = accept(written, { files }).config;
      assert.deepEqual(login?.identity_assertions, [{ issuer: IDP, jwks_uri: jwksUri, client_ids: ['agent'] }]);
    }
  });

  it('takes Google by the issuer that the preset knows', () => {
    const text = google(
      `${CLIENTS}  identity_assertions: [{ issuer: "https://accounts.google.com", client_ids: [agent] }]\n`,
    );
    assert.equal(accept(text).config.login?.identity_assertions[0]?.issuer, 'https://accounts.google.com');
  });

  const idpWanted = `must be the IdP at which people log in, "${IDP}", byte for byte`;
  const cure = 'a sub of another issuer could be that of somebody else';
  const http = 'http is for loopback, or for development with login.dangerously_allow_http: true';
  const cases: Readonly<Record<string, readonly [text: string, ...problems: string[]]>> = {
    'another issuer': [
      assertions('{ issuer: "https://other.example", client_ids: [agent] }'),
      `${AT}.issuer: ${idpWanted}, got "https://other.example"; ${cure}`,
    ],
    'the issuer with a final slash': [
      assertions(`{ issuer: "${IDP}/", client_ids: [agent] }`),
      `${AT}.issuer: ${idpWanted}, got "${IDP}/"; ${cure}`,
    ],
    'the issuer twice': [
      assertions(`${GOOD}, ${GOOD}`),
      '16: login.identity_assertions[1]: is one too many: there is one IdP; name all clients in the first entry',
    ],
    'nothing in an entry': [
      assertions('{}'),
      `${AT}.issuer: is required; for example "https://auth.your-company.com/"`,
      `${AT}.client_ids: expected a list such as [my-agent], got nothing`,
    ],
    'no clients': [assertions(`{ issuer: "${IDP}", client_ids: [] }`), `${AT}.client_ids: is empty; name at least one`],
    'a client that is not written': [
      assertions(`{ issuer: "${IDP}", client_ids: [agent, agnet] }`),
      `${AT}.client_ids[1]: is no client of login.clients.static; add it there, with a client_secret`,
    ],
    'a public client': [
      assertions(`{ issuer: "${IDP}", client_ids: [public] }`),
      `${AT}.client_ids[0]: is a public client, and anybody could say to be it; give login.clients.static[1] a client_secret`,
    ],
    'keys over http': [
      assertions(`{ issuer: "${IDP}", jwks_uri: "http://keys.example/", client_ids: [agent] }`),
      `${AT}.jwks_uri: must begin with https://, for whoever sits on the network could assert to be anybody, got ` +
        `"http://keys.example/"; ${http}`,
    ],
    'a key of nobody': [
      assertions(`{ issuer: "${IDP}", client_ids: [agent], leeway: a }`),
      `${AT}.leeway: unknown key; known here: issuer, jwks_uri, client_ids`,
    ],
  };
  for (const [name, [text, ...problems]] of Object.entries(cases)) {
    it(`refuses ${name}`, () =>
      assert.deepEqual(
        reject(text),
        problems.map((problem) => `obex.yaml:${problem}`),
      ));
  }

  it('says of a weak secret that it is weak, and no more', () => {
    const problems = reject(assertions(GOOD).replace(`client_secret: "${OBEX_SECRET}"`, 'client_secret: "hunter2"'));
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /static\[0\]\.client_secret: expected at least 32 characters/);
  });

  it('takes keys over http for development', () => {
    const list = `{ issuer: "${IDP}", jwks_uri: "http://keys.example/", client_ids: [agent] }`;
    accept(assertions(list, '  dangerously_allow_http: true\n'));
    accept(assertions(list.replace('keys.example', '127.0.0.1:1')));
  });
});
