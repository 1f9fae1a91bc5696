/** Which scopes are asked for, and which a person may have. RFC 6749 §3.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ScopeGrant } from '../../../../src/login/options.ts';
import type { Person } from '../../../../src/login/people/person.ts';
import { grantableScopes, requestedScopes } from '../../../../src/login/people/scopes.ts';

const ANN: Person = { subject: 'u1', email: 'Ann@example.com', name: undefined, groups: ['staff', 'ops'] };
const BOB: Person = { subject: 'u2', email: undefined, name: undefined, groups: [] };
const RESOURCE = { scopesSupported: ['read', 'write', 'admin'], requiredScopes: ['read'] };

function grant(scopes: readonly string[], over: Partial<ScopeGrant> = {}): ScopeGrant {
  return { scopes, everyone: false, groups: [], emails: [], ...over };
}

describe('grantableScopes', () => {
  it('without entries, everybody may have every scope', () => {
    assert.deepEqual(grantableScopes(BOB, [], RESOURCE), ['read', 'write', 'admin']);
  });

  it('entries add up, in the order of the metadata', () => {
    const grants = [
      grant(['admin'], { emails: ['ann@EXAMPLE.com'] }),
      grant(['write', 'read'], { groups: ['ops'] }),
      grant(['read'], { everyone: true }),
    ];
    assert.deepEqual(grantableScopes(ANN, grants, RESOURCE), ['read', 'write', 'admin']);
    assert.deepEqual(grantableScopes(BOB, grants, RESOURCE), ['read']);
  });

  it('whom no entry names gets nothing', () => {
    const grants = [
      grant(['read'], { groups: ['Ops'] }),
      grant(['read'], { emails: ['bob@example.com'] }),
      grant(['read']),
    ];
    assert.deepEqual(grantableScopes(ANN, grants, RESOURCE), []);
    assert.deepEqual(grantableScopes(BOB, grants, RESOURCE), []);
  });

  it('grants nothing that the resource does not know', () => {
    assert.deepEqual(grantableScopes(ANN, [grant(['root', 'read', 'Write'], { everyone: true })], RESOURCE), ['read']);
  });

  it('a required scope that is not announced can be granted: without it no token would pass', () => {
    const resource = { scopesSupported: ['write'], requiredScopes: ['read'] };
    assert.deepEqual(grantableScopes(ANN, [], resource), ['write', 'read']);
    assert.deepEqual(grantableScopes(ANN, [grant(['read'], { everyone: true })], resource), ['read']);
  });
});

describe('requestedScopes', () => {
  for (const scope of [undefined, '', ' ']) {
    it(`RFC 6749 §3.3: ${JSON.stringify(scope)} means the required scopes`, () => {
      assert.deepEqual(requestedScopes(scope, RESOURCE), ['read']);
    });
  }

  it('and all of them where none is required', () => {
    assert.deepEqual(requestedScopes(undefined, { ...RESOURCE, requiredScopes: [] }), ['read', 'write', 'admin']);
  });

  it('drops what it does not know', () => {
    assert.deepEqual(requestedScopes('openid admin offline_access read admin', RESOURCE), ['read', 'admin']);
    assert.deepEqual(requestedScopes('openid READ read\twrite', RESOURCE), []);
  });

  it('knows a required scope that is not announced', () => {
    assert.deepEqual(requestedScopes('read', { scopesSupported: ['write'], requiredScopes: ['read'] }), ['read']);
  });
});
