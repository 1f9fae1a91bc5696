/** RFC 9449 §8, §9: nonces that a server provides. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createNonces } from '../../src/oauth/dpop-nonce.ts';

const SECRET = 'a secret of at least thirty-two characters';
const LIFETIME_MS = 300_000;
const NOW_MS = 1.79e12;
const create = (secret = SECRET) => createNonces({ secret, lifetimeMs: LIFETIME_MS });

describe('RFC 9449 §8: "Nonce values MUST be unpredictable"', () => {
  it('§8.1: "nonce = 1*NQCHAR": consists of these, and of base64url at that', () => {
    assert.match(create().issue(NOW_MS), /^[A-Za-z0-9_-]{48}$/);
  });

  it('is another one in every process and at every turn, though made of the same secret at the same time', () => {
    const nonces = Array.from({ length: 100 }, () => create().issue(NOW_MS));
    assert.equal(new Set(nonces).size, 100);
  });

  it('that was not made with the secret is unknown', () => {
    const nonces = create();
    assert.equal(
      nonces.check(create('another secret of thirty-two characters or so').issue(NOW_MS), NOW_MS),
      'unknown',
    );
    for (const nonce of [
      '',
      'eyJ7S_zG.eyJH0-Z.HX4w-7v',
      'A'.repeat(48),
      'A'.repeat(47),
      'ü'.repeat(48),
      '='.repeat(48),
    ]) {
      assert.equal(nonces.check(nonce, NOW_MS), 'unknown', nonce);
    }
  });

  it('with any one bit changed is unknown', () => {
    const nonces = create();
    const bytes = Buffer.from(nonces.issue(NOW_MS), 'base64url');
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const changed = Uint8Array.from(bytes, (byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        assert.equal(nonces.check(Buffer.from(changed).toString('base64url'), NOW_MS), 'unknown');
      }),
      { seed: 20_261_123 },
    );
  });
});

describe('RFC 9449 §8.2, §9: a nonce has its time, and a new one comes before it is over', () => {
  it('is good for its lifetime, also in a replica that knows nothing but the secret', () => {
    const nonce = create().issue(NOW_MS);
    for (const nonces of [create(), create()]) {
      assert.equal(nonces.check(nonce, NOW_MS), 'fresh');
      assert.equal(nonces.check(nonce, NOW_MS + LIFETIME_MS), 'ageing');
      assert.equal(nonces.check(nonce, NOW_MS + LIFETIME_MS + 1), 'stale');
    }
  });

  it('of a replica whose clock is ahead is fresh, but not of one that is out of its mind', () => {
    const nonce = create().issue(NOW_MS);
    assert.equal(create().check(nonce, NOW_MS - 10_000), 'fresh');
    assert.equal(create().check(nonce, NOW_MS - LIFETIME_MS - 1), 'stale');
  });

  it('stays the same for a third of its lifetime, so that whoever gets it has two thirds left', () => {
    const nonces = create();
    const first = nonces.issue(NOW_MS);
    assert.equal(nonces.issue(NOW_MS + LIFETIME_MS / 3 - 1), first);
    const second = nonces.issue(NOW_MS + LIFETIME_MS / 3);
    assert.notEqual(second, first);
    assert.equal(nonces.check(first, NOW_MS + LIFETIME_MS / 3), 'ageing');
    assert.equal(nonces.check(second, NOW_MS + LIFETIME_MS), 'ageing');
  });

  it('is fresh for a third of it everywhere, so that replicas do not swap the nonces of a client at each request', () => {
    const nonce = create().issue(NOW_MS);
    const other = create();
    assert.notEqual(other.issue(NOW_MS), nonce);
    assert.equal(other.check(nonce, NOW_MS + LIFETIME_MS / 3 - 1), 'fresh');
    assert.equal(other.check(nonce, NOW_MS + LIFETIME_MS / 3), 'ageing');
  });

  it('is made anew when the clock goes back', () => {
    const nonces = create();
    const first = nonces.issue(NOW_MS);
    assert.notEqual(nonces.issue(NOW_MS - LIFETIME_MS), first);
  });
});
