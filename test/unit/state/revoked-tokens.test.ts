/** Tokens that were called back are told from those that came later, and from those of others. RFC 7009 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AccessToken } from '../../../src/oauth/principal.ts';
import { type Revocation, RevokedTokens } from '../../../src/state/revoked-tokens.ts';

function token(override: Partial<AccessToken> = {}): AccessToken {
  return {
    issuer: 'https://tool.example',
    subject: 'ann',
    client: 'client-1',
    scopes: new Set(['mcp:read']),
    scopeClaim: 'mcp:read',
    expiresAtMs: 2_000_000,
    jkt: undefined,
    x5tS256: undefined,
    issuedAt: 100,
    ...override,
  };
}

function revocation(override: Partial<Revocation> = {}): Revocation {
  return { by: 'subject', name: 'ann', issuedUntil: 100, endsAtMs: 1, ...override };
}

function knowing(...revocations: readonly Revocation[]): RevokedTokens {
  const revoked = new RevokedTokens();
  revoked.replace(revocations);
  return revoked;
}

describe('RevokedTokens', () => {
  it('covers what was issued up to that second, and nothing later', () => {
    const revoked = knowing(revocation());
    assert.deepEqual(
      [99, 100, 100.5, 101].map((issuedAt) => revoked.covers(token({ issuedAt }))),
      [true, true, false, false],
    );
  });

  it('covers a token that does not say when it was issued', () => {
    const { issuedAt: _, ...undated } = token();
    assert.equal(knowing(revocation()).covers(undated), true);
    assert.equal(knowing(revocation({ name: 'bob' })).covers(undated), false);
  });

  it('goes by exactly the subject, exactly the client, or all', () => {
    for (const name of ['Ann', 'an', 'ann ', '', 'client-1'])
      assert.equal(knowing(revocation({ name })).covers(token()), false);
    const client = knowing(revocation({ by: 'client', name: 'client-1' }));
    assert.deepEqual([client.covers(token()), client.covers(token({ client: 'client-2' }))], [true, false]);
    const all = knowing(revocation({ by: 'all', name: '' }));
    const nobody = token({ subject: undefined, client: undefined });
    assert.deepEqual([all.covers(nobody), all.covers(token({ issuedAt: 101 }))], [true, false]);
    assert.equal(knowing(revocation({ name: 'undefined' })).covers(nobody), false);
  });

  it('takes the later of two, in any order, and forgets what is not told again', () => {
    const both = [revocation({ issuedUntil: 50 }), revocation()];
    for (const list of [both, both.toReversed()]) assert.equal(knowing(...list).covers(token()), true);
    const revoked = knowing(revocation());
    revoked.replace([]);
    assert.equal(revoked.covers(token()), false);
  });

  it('tells whoever keeps tokens, until they stop listening', () => {
    const revoked = new RevokedTokens();
    let told = 0;
    const stop = revoked.onChange(() => (told += Number(revoked.covers(token()))));
    revoked.replace([revocation()]);
    stop();
    revoked.replace([revocation()]);
    assert.equal(told, 1);
  });
});
