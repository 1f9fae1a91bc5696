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

  it('counts all clients of a subject as one, and a client alone where there is no subject', () => {
    const keys = [
      ['X-Obex-Issuer', 'i', 'X-Obex-User', 'a', 'X-Obex-Client', 'b'],
      ['X-Obex-Issuer', 'i', 'X-Obex-User', 'a', 'X-Obex-Client', 'c'],
      ['X-Obex-Issuer', 'j', 'X-Obex-User', 'a', 'X-Obex-Client', 'b'],
      ['X-Obex-Issuer', 'i', 'X-Obex-Client', 'b'],
      ['X-Obex-Issuer', 'i', 'X-Obex-Client', 'c'],
    ].map((fields) => readIdentity(fields)?.subjectKey);
    assert.equal(keys[0], keys[1]);
    assert.equal(new Set(keys).size, 4);
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
    for (const id of ['2147483648:1', '1:2147483648', '4294967295:1', '1:4294967295']) {
      assert.throws(() => findUser(id), /is no number of a user or group/, id);
    }
    assert.equal(findUser('2147483647:1').uid, 2_147_483_647);
  });

  it('takes nothing that is half a user: an empty one would be root', () => {
    for (const text of ['', ':', ':0', ':root', 'root:', '0:', 'root:0:0', '::']) {
      assert.throws(() => findUser(text), /NAME, UID, NAME:GROUP or UID:GID/, text);
    }
    assert.throws(() => findUser('#1'), /no user #1/);
    assert.throws(() => findUser('-1:0'), /no user -1/);
  });
});
