/** Who a request comes for, as a program is told, and what it may be told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasAll, readIdentity } from '../../../src/programs/identity.ts';
import { findUser } from '../../../src/programs/user.ts';
import { formatIdentityFields } from '../../../src/proxy/identity-headers.ts';

const TOKEN = { scopeClaim: 'scope', jkt: undefined, x5tS256: undefined, expiresAtMs: 0 };

describe('readIdentity', () => {
  it('reads what the threads that serve write', () => {
    const token = {
      ...TOKEN,
      issuer: 'https://é.example',
      subject: 'a b%\n',
      client: 'c',
      scopes: new Set(['x', 'ü:y']),
    };
    const identity = readIdentity(formatIdentityFields(token));
    assert.deepEqual(identity?.environment, {
      OBEX_USER: 'a b%\n',
      OBEX_ISSUER: 'https://é.example',
      OBEX_CLIENT: 'c',
      OBEX_SCOPES: 'x ü:y',
    });
  });

  it('tells principals apart, whatever their names are made of, and an absent name from an empty one', () => {
    const fields = [
      ['X-Obex-User', 'a', 'X-Obex-Client', 'b'],
      ['X-Obex-User', 'a","b'],
      ['X-Obex-User', 'a'],
      ['X-Obex-Client', 'a'],
      ['X-Obex-User', ''],
      [],
      ['X-Obex-Issuer', 'a'],
    ];
    assert.equal(new Set(fields.map((each) => readIdentity(each)?.principalKey)).size, fields.length);
  });

  it('takes scopes as a set', () => {
    const [one, other] = ['a b', 'b  a'].map((scopes) => readIdentity(['X-Obex-Scopes', scopes]));
    assert.ok(one !== undefined && other !== undefined);
    assert.equal(one.scopesKey, other.scopesKey);
    assert.ok(hasAll(new Set(['a', 'b', 'c']), one.scopes));
    assert.ok(!hasAll(new Set(['a']), one.scopes));
  });

  it('refuses what no environment can hold', () => {
    assert.equal(readIdentity(['X-Obex-User', 'a%00']), undefined);
    assert.equal(readIdentity(['X-Obex-Client', 'x'.repeat(100_000)]), undefined);
  });
});

describe('findUser', () => {
  it('knows names and numbers, and a group beside them', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
    assert.deepEqual(findUser('root'), { uid: 0, gid: 0, home: '/root' });
    assert.deepEqual(findUser('0'), { uid: 0, gid: 0, home: '/root' });
    assert.deepEqual(findUser('4242:17'), { uid: 4242, gid: 17, home: undefined });
    assert.equal(findUser('root:daemon').gid, 1);
    assert.throws(() => findUser('4242'), /say its group too \(4242:GID\)/);
    assert.throws(() => findUser('nobody-knows'), /no user nobody-knows/);
    assert.throws(() => findUser('root:nobody-knows'), /no group nobody-knows/);
  });
});
