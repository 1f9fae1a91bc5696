/** Scopes in other claims and other words: which claim decides, what counts in it, the prefix. RFC 9068 §2.2.3.1, RFC 6901. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { closeRelation } from '../../src/lib/close-relation.ts';
import { parseJsonPointer } from '../../src/lib/json-pointer.ts';
import type { JsonObject } from '../../src/lib/json-text.ts';
import { addScopePrefix, removeScopePrefix } from '../../src/oauth/scope-prefix.ts';
import { readScopes, type ScopeTerms } from '../../src/oauth/scope-terms.ts';
import { invalidToken } from '../support/jws.ts';

interface Terms {
  readonly claims?: readonly string[];
  readonly prefix?: string;
  readonly known?: readonly string[];
  readonly implies?: Readonly<Record<string, readonly string[]>>;
}

function terms({ claims = ['scope', 'scp'], prefix = '', known = ['read', 'write'], implies = {} }: Terms): ScopeTerms {
  return {
    claims: claims.map((name) => ({ name, pointer: parseJsonPointer(name) ?? [] })),
    prefix,
    known: new Set(known),
    implied: closeRelation(implies),
  };
}

function read(payload: JsonObject, options: Terms): readonly [scopes: string, claim: string | undefined] | string {
  const granted = readScopes(payload, terms(options));
  if ('denied' in granted) return `${granted.reason}: ${granted.evidence.detail}`;
  return [[...granted.scopes].join(' '), granted.scopeClaim];
}

describe('the claim that decides', () => {
  it('is the first that is present, alone', () => {
    const options = { claims: ['scp', 'roles'] };
    assert.deepEqual(read({ scp: 'read', roles: ['write'] }, options), ['read', 'scp']);
    assert.deepEqual(read({ roles: ['write'] }, options), ['write', 'roles']);
    assert.deepEqual(read({ scp: '', roles: ['write'] }, options), ['', 'scp']);
    assert.deepEqual(read({ roles: [], scp: 'read' }, { claims: ['roles', 'scp'] }), ['', 'roles']);
  });

  it('is none when none is there, whatever else the token holds', () => {
    assert.deepEqual(read({ scope: 'read', groups: ['read'] }, { claims: ['roles'] }), ['', undefined]);
  });

  it('may stand inside another', () => {
    const options = { claims: ['/realm_access/roles', '/resource_access/my~1client/roles'] };
    assert.deepEqual(read({ realm_access: { roles: ['write'] } }, options), ['write', '/realm_access/roles']);
    const nested = { realm_access: {}, resource_access: { 'my/client': { roles: ['read'] } } };
    assert.deepEqual(read(nested, options), ['read', '/resource_access/my~1client/roles']);
    assert.deepEqual(read({ realm_access: 'roles' }, options), ['', undefined]);
  });
});

describe('a claim that is not made for scopes', () => {
  const roles = (claim: unknown): unknown => read({ roles: claim }, { claims: ['roles'] });

  it('counts with what the configuration names, and with nothing else', () => {
    for (const claim of [
      'read admin',
      ['admin', 'read', 'Read', 'read '],
      ['read', 'read write'],
      ['read', 7, null, ['write'], { write: {} }],
      { read: { org: 'a' }, admin: { org: 'a' } },
    ]) {
      assert.deepEqual(roles(claim), ['read', 'roles'], JSON.stringify(claim));
    }
  });

  it('grants by an object what has something below its name, as Zitadel writes roles', () => {
    assert.deepEqual(roles({ read: true, write: {} }), ['', 'roles']);
    assert.deepEqual(roles({ read: ['write'], write: 'read' }), ['', 'roles']);
  });

  it('grants nothing where its type says nothing, and is never an error', () => {
    for (const claim of [null, true, 7, '', [], {}]) assert.deepEqual(roles(claim), ['', 'roles']);
  });

  it('leaves out what is no scope token, even when it is configured as if it were', () => {
    const known = ['a"b', 'a b', 'ok'];
    assert.deepEqual(read({ roles: ['a"b', 'a b', 'ok'] }, { claims: ['roles'], known }), ['ok', 'roles']);
  });
});

describe('scope and scp, whatever else is configured', () => {
  it('count with all they hold', () => {
    assert.deepEqual(read({ scope: 'read other' }, { claims: ['roles', 'scope'] }), ['read other', 'scope']);
  });
  it('are refused when they are malformed', () => {
    for (const claims of [['scope'], ['/scope']]) {
      assert.equal(
        read({ scope: 7 }, { claims }),
        `invalid_token: ${claims[0]} is neither a string nor an array of strings`,
      );
    }
  });
  it('are read alike inside another claim as any other', () => {
    assert.deepEqual(read({ a: { scope: 'read admin' } }, { claims: ['/a/scope'] }), ['read', '/a/scope']);
  });
});

describe('implied scopes', () => {
  const implies = { admin: ['write'], write: ['read'], circle: ['around'], around: ['circle', 'read'] };

  it('come along over any number of steps', () => {
    assert.deepEqual(read({ scope: 'admin' }, { implies }), ['admin write read', 'scope']);
    assert.deepEqual(read({ scope: 'write' }, { implies }), ['write read', 'scope']);
    assert.deepEqual(read({ scope: 'read' }, { implies }), ['read', 'scope']);
  });
  it('may go round in a circle', () => {
    assert.deepEqual(read({ scope: 'circle' }, { implies }), ['circle around read', 'scope']);
    assert.deepEqual([...closeRelation({ a: ['a'] })], [['a', new Set(['a'])]]);
  });
  it('come of nothing but scopes that are held', () => {
    assert.deepEqual(read({ scope: 'adm constructor __proto__' }, { implies }), ['adm constructor __proto__', 'scope']);
    assert.deepEqual(read({ roles: ['admin'] }, { claims: ['roles'], implies }), ['', 'roles']);
  });
  it('count towards the 8 KiB that the backend can be told', () => {
    const long = Array.from({ length: 900 }, (_, index) => `scope-${index}`);
    const refused = readScopes({ scope: 'all' }, terms({ implies: { all: long } }));
    assert.deepEqual(refused, invalidToken('scope is longer than 8192 bytes'));
  });
});

describe('the prefix of scopes', () => {
  const prefix = 'api://app/';

  it('is put before all but those of OpenID Connect, each once', () => {
    const asked = addScopePrefix(prefix, ['read', 'openid', 'email', 'read', 'offline_access']);
    assert.deepEqual(asked, ['api://app/read', 'openid', 'email', 'offline_access']);
    assert.deepEqual(addScopePrefix('', ['read', 'read']), ['read']);
  });

  const tokens: readonly (readonly [string, string])[] = [
    ['api://app/read', 'read'],
    ['read', 'read'],
    ['read write', 'read write'],
    // Another API of the IdP has a scope of that name, which is no scope of this one.
    ['api://app/read write', 'read'],
    ['api://app/read api://other/write', 'read'],
    ['api://other/write', 'api://other/write'],
    ['openid api://app/read email', 'read openid email'],
    ['api://app/', 'api://app/'],
    ['api://app/openid', 'api://app/openid'],
    ['api://app/api://app/read', 'api://app/read'],
    ['API://app/read', 'API://app/read'],
  ];
  for (const [scope, read] of tokens) {
    it(`${scope} is read as ${read}`, () => {
      assert.equal([...removeScopePrefix(prefix, new Set(scope.split(' ')))].join(' '), read);
    });
  }

  it('is taken off before a role is compared with what the configuration names', () => {
    assert.deepEqual(read({ roles: ['api://app/read', 'write'] }, { claims: ['roles'], prefix }), ['read', 'roles']);
  });
});
