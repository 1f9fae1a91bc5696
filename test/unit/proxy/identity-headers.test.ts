/** X-Obex-* values: safe in a field line, and back to the claim without loss. RFC 3986 §2.1, RFC 9110 §5.5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import type { AccessToken } from '../../../src/oauth/principal.ts';
import { formatIdentityFields } from '../../../src/proxy/identity-headers.ts';

function fieldsOf(override: Partial<AccessToken>): ReadonlyMap<string, string> {
  const token = {
    issuer: 'https://i.example',
    subject: 'alice',
    client: 'c',
    scopes: new Set<string>(),
    expiresAtMs: 0,
    scopeClaim: undefined,
    jkt: undefined,
    x5tS256: undefined,
  };
  const fields = formatIdentityFields({ ...token, ...override });
  const map = new Map<string, string>();
  for (let at = 0; at < fields.length; at += 2) map.set(fields[at] ?? '', fields[at + 1] ?? '');
  assert.equal(map.size * 2, fields.length, 'no field stands twice');
  return map;
}

describe('formatIdentityFields', () => {
  it('writes one field for each thing known', () => {
    assert.deepEqual(Object.fromEntries(fieldsOf({ scopes: new Set(['b', 'a']) })), {
      'X-Obex-Issuer': 'https://i.example',
      'X-Obex-Scopes': 'a b',
      'X-Obex-User': 'alice',
      'X-Obex-Client': 'c',
    });
  });

  it('leaves out user and client that the token does not name', () => {
    assert.deepEqual(
      [...fieldsOf({ subject: undefined, client: undefined }).keys()],
      ['X-Obex-Issuer', 'X-Obex-Scopes'],
    );
  });

  const encoded: Readonly<Record<string, string>> = {
    'plain-ASCII_~!"#$&\'()*+,/:;=?@[\\]^`{|}': 'plain-ASCII_~!"#$&\'()*+,/:;=?@[\\]^`{|}',
    'a b': 'a%20b',
    '100%': '100%25',
    '%41': '%2541',
    ü: '%C3%BC',
    '\u{1f600}': '%F0%9F%98%80',
    '\r\n\t\u0000\u007f': '%0D%0A%09%00%7F',
  };
  for (const [claim, value] of Object.entries(encoded)) {
    it(`${JSON.stringify(claim)} becomes ${value}`, () => {
      assert.equal(fieldsOf({ subject: claim }).get('X-Obex-User'), value);
      assert.equal(fieldsOf({ client: claim }).get('X-Obex-Client'), value);
      assert.equal(fieldsOf({ issuer: claim }).get('X-Obex-Issuer'), value);
    });
  }

  it('scopes are encoded one by one, so that the separator stays what it is', () => {
    assert.equal(fieldsOf({ scopes: new Set(['read%20all', 'a']) }).get('X-Obex-Scopes'), 'a read%2520all');
  });

  it('an encoded value takes the room of its characters, not of a chain of their pieces', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage: () => void = runInNewContext('gc');
    const count = 1_000;
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const kept = Array.from({ length: count }, (_, index) => fieldsOf({ subject: 'é'.repeat(400) + index }));
    collectGarbage();
    const bytes = (process.memoryUsage().heapUsed - before) / kept.length;
    assert.ok(bytes < 10_000, `${bytes} bytes for one of 2,400 characters`);
  });

  it('any well-formed claim comes back from a line of visible ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (claim) => {
        const value = fieldsOf({ subject: claim }).get('X-Obex-User') ?? '';
        assert.match(value, /^[\x21-\x7e]+$/);
        assert.equal(decodeURIComponent(value), claim);
      }),
    );
  });
});
