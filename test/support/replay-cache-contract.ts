/** What every replay cache must do, whatever keeps its entries. RFC 9449 §11.1. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { it } from 'node:test';
import type { ReplayCache } from '../../src/state/replay-cache.ts';

export const PROOF_TIMES = { proofLifetimeMs: 60_000, clockSkewMs: 10_000 };
export const NOW_MS = 1.79e12;
/** When a proof of `iat` = `nowMs` is forgotten. */
export const expiryOf = (iatMs: number): number => iatMs + PROOF_TIMES.proofLifetimeMs + PROOF_TIMES.clockSkewMs;

/** `create` makes an empty cache, ready for proofs of `NOW_MS`. Keys are new in every test, so it may give the same one twice. */
export function itIsAReplayCache(create: () => Promise<ReplayCache> | ReplayCache): void {
  const expiresAtMs = expiryOf(NOW_MS);

  it('claims a key once', async () => {
    const cache = await create();
    const key = randomUUID();
    assert.equal(await cache.claim(key, expiresAtMs, NOW_MS), 'claimed');
    assert.equal(await cache.claim(key, expiresAtMs, NOW_MS), 'replayed');
    assert.equal(await cache.claim(key, expiresAtMs, NOW_MS + 1), 'replayed');
  });

  it('of 100 claims of one key at once exactly one succeeds', async () => {
    const cache = await create();
    const key = randomUUID();
    const outcomes = await Promise.all(Array.from({ length: 100 }, async () => cache.claim(key, expiresAtMs, NOW_MS)));
    assert.deepEqual(outcomes.toSorted(), ['claimed', ...Array.from({ length: 99 }, () => 'replayed')]);
  });

  it('refuses a key that was used with another expiry', async () => {
    const cache = await create();
    const key = randomUUID();
    assert.equal(await cache.claim(key, expiresAtMs, NOW_MS), 'claimed');
    assert.equal(await cache.claim(key, expiresAtMs + 10_000, NOW_MS), 'replayed');
    assert.equal(await cache.claim(key, expiresAtMs - 30_000, NOW_MS), 'replayed');
  });

  it('tells keys apart that differ in one character, or are as long as keys get', async () => {
    const cache = await create();
    const stem = randomUUID() + 'ü'.repeat(150);
    const outcomes: string[] = [];
    for (const key of [`${stem}a`, `${stem}b`, `${stem} `, stem, `${stem}\0`]) {
      outcomes.push(await cache.claim(key, expiresAtMs, NOW_MS));
    }
    assert.deepEqual(outcomes, ['claimed', 'claimed', 'claimed', 'claimed', 'claimed']);
  });

  it('claims proofs whose iat is anywhere in the window', async () => {
    const cache = await create();
    for (const iatMs of [NOW_MS + 10_000, NOW_MS, NOW_MS - 30_000, NOW_MS - 69_999, NOW_MS - 12_345.678]) {
      const key = randomUUID();
      assert.equal(await cache.claim(key, expiryOf(iatMs), NOW_MS), 'claimed', String(iatMs));
      assert.equal(await cache.claim(key, expiryOf(iatMs), NOW_MS), 'replayed', String(iatMs));
    }
  });
}
