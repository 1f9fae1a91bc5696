/** The syntax of scopes and where tokens carry them. RFC 6749 §3.3, RFC 9068 §2.2.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatScopes, isScopeToken, parseScopeClaims } from '../../src/oauth/scope.ts';

describe('RFC 6749 §3.3', () => {
  const lists: readonly [string, unknown, unknown, readonly string[]][] = [
    ['neither claim', undefined, undefined, []],
    ['scope as a string', 'read write', undefined, ['read', 'write']],
    ['scope as an array', ['read', 'write'], undefined, ['read', 'write']],
    ['scp as a string', undefined, 'read write', ['read', 'write']],
    ['scp as an array', undefined, ['read', 'write'], ['read', 'write']],
    ['an empty string, as Keycloak writes it', '', undefined, []],
    ['an empty array', [], undefined, []],
    ['stray spaces', ' read  write ', undefined, ['read', 'write']],
    ['a token twice', 'read read', undefined, ['read']],
    ['both: scope decides alone', 'read', ['admin'], ['read']],
    ['both, scope empty: scope decides alone', '', 'admin', []],
    ['every legal character', "!#[]~%:/a'", undefined, ["!#[]~%:/a'"]],
  ];
  for (const [name, scope, scp, expected] of lists) {
    const claim = scope === undefined ? (scp === undefined ? undefined : 'scp') : 'scope';
    it(`reads ${name}`, () =>
      assert.deepEqual(parseScopeClaims({ scope, scp }), { scopes: new Set(expected), scopeClaim: claim }));
  }

  const illegal: readonly [string, unknown][] = [
    ['a quote', 'read "write'],
    ['a backslash', 'a\\b'],
    ['a tab', 'read\twrite'],
    ['a line feed at the end', 'read\n'],
    ['a no-break space', 'read\u00a0write'],
    ['a letter beyond ASCII', 'l\u00e9gal'],
    ['a control character', 'a\u007f'],
    ['two tokens in one element', ['read write']],
    ['an empty element', ['']],
    ['an element that is no string', ['read', 1]],
    ['null', null],
    ['a number', 1],
    ['an object', { read: true }],
  ];
  for (const [name, claim] of illegal) {
    it(`refuses ${name} in scope`, () => assert.ok('denied' in parseScopeClaims({ scope: claim, scp: 'read' })));
    it(`refuses ${name} in scp`, () => assert.ok('denied' in parseScopeClaims({ scp: claim })));
  }

  it('tells a scope token from other values', () => {
    assert.deepEqual(['mcp:read', '', 'a b', 1, undefined].map(isScopeToken), [true, false, false, false, false]);
  });

  it('writes one text for one set', () => {
    assert.equal(formatScopes(new Set(['write', 'Read', 'read'])), 'Read read write');
    assert.equal(formatScopes(new Set()), '');
  });
});
