/** Claims of assertions that do not hold. draft-ietf-oauth-identity-assertion-authz-grant-03 §3.1, §4.4.1, §8.6.1.2; RFC 7523 §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ISSUER, RESOURCE } from '../../../support/login-server.ts';
import { AGENT, type AssertionChange, assertRefused, type Expected, IDP, startAsserting } from './asserting.ts';

const MINUTE_S = 60;
const now = (): number => Math.floor(Date.now() / 1000);

/** Claims by name of the case; functions where they depend on the time. */
const CLAIMS: Readonly<Record<string, readonly [claims: () => AssertionChange['claims'], ...Expected]>> = {
  'another issuer': [
    () => ({ iss: 'https://evil.example' }),
    'unknown_issuer',
    { expected: IDP, actual: 'https://evil.example' },
  ],
  'an issuer with a final slash': [() => ({ iss: `${IDP}/` }), 'unknown_issuer'],
  'no issuer': [() => ({ iss: undefined }), 'unknown_issuer', { actual: 'nothing' }],
  'an issuer in an array': [() => ({ iss: [IDP] }), 'unknown_issuer', { actual: 'an array of 1' }],
  'Obex itself as its issuer (§8.3)': [() => ({ iss: ISSUER }), 'unknown_issuer'],
  'an audience in an array': [
    () => ({ aud: [ISSUER] }),
    'audience_mismatch',
    { expected: ISSUER, actual: 'an array of 1' },
  ],
  'two audiences': [() => ({ aud: [ISSUER, 'https://other.example'] }), 'audience_mismatch'],
  'another audience': [
    () => ({ aud: 'https://other.example' }),
    'audience_mismatch',
    { actual: 'https://other.example' },
  ],
  'our issuer with a final slash as its audience': [() => ({ aud: `${ISSUER}/` }), 'audience_mismatch'],
  'the resource as its audience': [() => ({ aud: RESOURCE }), 'audience_mismatch'],
  'the token endpoint as its audience': [() => ({ aud: `${ISSUER}/oauth/token` }), 'audience_mismatch'],
  'no audience': [() => ({ aud: undefined }), 'audience_mismatch', { actual: 'nothing' }],
  'another client': [() => ({ client_id: 'other' }), 'client_mismatch', { expected: AGENT, actual: 'other' }],
  'no client': [() => ({ client_id: undefined }), 'client_mismatch', { actual: 'nothing' }],
  'clients in an array': [() => ({ client_id: [AGENT] }), 'client_mismatch'],
  'the client as azp alone': [() => ({ client_id: undefined, azp: AGENT }), 'client_mismatch'],
  'another resource': [
    () => ({ resource: `${RESOURCE}2` }),
    'resource_mismatch',
    { expected: RESOURCE, actual: `${RESOURCE}2` },
  ],
  'the resource with a final slash': [() => ({ resource: `${RESOURCE}/` }), 'resource_mismatch'],
  'no resource': [() => ({ resource: undefined }), 'resource_mismatch', { actual: 'nothing' }],
  'resources in an array': [() => ({ resource: [RESOURCE] }), 'resource_mismatch', { actual: 'an array of 1' }],
  'no end': [() => ({ exp: undefined }), 'malformed', { expected: 'exp', actual: 'nothing' }],
  'an end in words': [() => ({ exp: `${now() + MINUTE_S}` }), 'malformed', { expected: 'exp' }],
  'an end of the past': [() => ({ exp: now() - 30 }), 'expired'],
  'an end too far ahead': [() => ({ exp: now() + 61 * MINUTE_S }), 'lives_too_long'],
  'an end beyond every date': [() => ({ exp: 1e20 }), 'malformed', { expected: 'exp' }],
  'no time of issue': [() => ({ iat: undefined }), 'malformed', { expected: 'iat' }],
  'a time of issue in the future': [() => ({ iat: now() + 31 }), 'not_yet_valid'],
  'a beginning in the future': [() => ({ nbf: now() + 31 }), 'not_yet_valid'],
  'a beginning that is no number': [() => ({ nbf: null }), 'malformed', { expected: 'nbf' }],
  'no id': [() => ({ jti: undefined }), 'malformed', { expected: 'jti', actual: 'nothing' }],
  'an empty id': [() => ({ jti: '' }), 'malformed', { expected: 'jti' }],
  'a number for an id': [() => ({ jti: 7 }), 'malformed', { expected: 'jti', actual: '7' }],
  'a long id': [() => ({ jti: 'j'.repeat(256) }), 'malformed', { expected: 'jti' }],
  nobody: [() => ({ sub: undefined }), 'malformed', { expected: 'sub' }],
  'an empty sub': [() => ({ sub: '' }), 'malformed', { expected: 'sub' }],
  'a long sub': [() => ({ sub: 's'.repeat(256) }), 'malformed', { expected: 'sub' }],
  'a sub with a line break': [() => ({ sub: 'ann\n' }), 'malformed', { expected: 'sub' }],
  'a sub with half a character': [() => ({ sub: '\ud800' }), 'malformed', { expected: 'sub' }],
  'a number for a sub': [() => ({ sub: 7 }), 'malformed', { expected: 'sub' }],
  'scopes in an array': [() => ({ scope: ['mcp:read'] }), 'malformed', { expected: 'scope', actual: 'an array of 1' }],
  'what is no scope': [() => ({ scope: 'mcp:read "a"' }), 'malformed', { expected: 'scope' }],
  'null for scopes': [() => ({ scope: null }), 'malformed', { expected: 'scope' }],
  'authorization details': [() => ({ authorization_details: [] }), 'authorization_details'],
  'a binding to a certificate': [
    () => ({ cnf: { 'x5t#S256': 'a'.repeat(43) } }),
    'binding_not_understood',
    { actual: 'x5t#S256' },
  ],
  'two bindings': [() => ({ cnf: { jkt: 'a'.repeat(43), kid: 'a' } }), 'binding_not_understood', { actual: 'jkt kid' }],
  'an empty binding': [() => ({ cnf: {} }), 'binding_not_understood'],
  'a binding in words': [() => ({ cnf: 'jkt' }), 'binding_not_understood'],
};

describe('an assertion with claims that do not hold', () => {
  for (const [name, [claims, ...expected]] of Object.entries(CLAIMS)) {
    it(`is refused: ${name}`, async (context) => {
      const asserting = await startAsserting(context);
      await assertRefused(asserting, await asserting.assertion({ claims: claims() }), expected);
    });
  }

  for (const [name, claims] of [
    ['a clock of the issuer that is half a minute ahead', () => ({ iat: now() + 30, nbf: now() + 30 })],
    ['an end of half a minute ago', () => ({ exp: now() - 29 })],
    ['an hour to live', () => ({ exp: now() + 60 * MINUTE_S })],
    [
      'claims of no meaning here',
      () => ({ act: { sub: 'x' }, tenant: 't', acr: 'a', amr: ['mfa'], auth_time: 1, x: {} }),
    ],
  ] as const) {
    it(`is honoured: ${name}`, async (context) => {
      const asserting = await startAsserting(context);
      assert.equal((await asserting.exchange({ claims: claims() })).status, 200);
    });
  }
});
