/** What one address may ask of the login: 60 beginnings a minute, and never all that the thread takes. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LoginLimits } from '../../../src/state/login-limits.ts';

const NOW = 1_000_000;
const RATES = { beginnings: 60, pages: 240 };

describe('LoginLimits', () => {
  it('lets an address begin 60 times at once, then once a second; others are not concerned', () => {
    const limits = new LoginLimits(RATES);
    const begin = (path: string, key: string, nowMs: number): number => {
      const waitMs = limits.enter(path, key, nowMs);
      if (waitMs === 0) limits.leave(path, key);
      return waitMs;
    };
    for (let count = 0; count < 30; count += 1) {
      assert.equal(begin('/oauth/register', 'a', NOW), 0);
      assert.equal(begin('/oauth/authorize', 'a', NOW), 0);
    }
    assert.equal(begin('/oauth/authorize', 'a', NOW), 1_000);
    assert.equal(begin('/oauth/authorize', 'b', NOW), 0);
    assert.equal(begin('/oauth/token', 'a', NOW), 0);
    assert.equal(begin('/oauth/register', 'a', NOW + 1_000), 0);
    assert.equal(begin('/oauth/register', 'a', NOW + 1_000), 1_000);
  });

  it('lets a /48 of IPv6 begin four times as often as an address of it, which is a /64', () => {
    const limits = new LoginLimits(RATES);
    let begun = 0;
    for (let network = 0; network < 1_000; network += 1) {
      const key = `2001:db8:1:${network.toString(16)}::/64`;
      if (limits.enter('/oauth/authorize', key, NOW) !== 0) continue;
      limits.leave('/oauth/authorize', key);
      begun += 1;
    }
    assert.equal(begun, 240);
    assert.equal(limits.enter('/oauth/authorize', '2001:db8:2:0::/64', NOW), 0);
  });

  it('charges a /48 nothing for what one of its addresses was refused', () => {
    const limits = new LoginLimits(RATES);
    for (let count = 0; count < 1_000; count += 1) {
      if (limits.enter('/oauth/authorize', '2001:db8:1:0::/64', NOW) === 0) {
        limits.leave('/oauth/authorize', '2001:db8:1:0::/64');
      }
    }
    assert.equal(limits.enter('/oauth/authorize', '2001:db8:1:1::/64', NOW), 0);
  });

  it('has other rates after a reload', () => {
    const limits = new LoginLimits({ beginnings: 1, pages: 1 });
    const begin = () => limits.enter('/oauth/authorize', 'a', NOW);
    assert.deepEqual([begin(), begin()], [0, 60_000]);
    limits.rates = RATES;
    assert.equal(begin(), 0);
  });

  it('keeps what was used up where a reload leaves a rate as it is', () => {
    const limits = new LoginLimits({ beginnings: 1, pages: 1 });
    const enter = (path: string) => limits.enter(path, 'a', NOW);
    assert.deepEqual([enter('/oauth/authorize'), enter('/oauth/consent')], [0, 0]);
    limits.rates = { beginnings: 1, pages: 2 };
    assert.deepEqual([enter('/oauth/authorize'), enter('/oauth/consent')], [60_000, 0]);
  });

  it('bounds what an address has in flight, by kind; one that was refused charges nothing', () => {
    const limits = new LoginLimits(RATES);
    for (const [path, most] of [
      ['/oauth/authorize', 8],
      ['/oauth/callback', 8],
      ['/oauth/token', 24],
      ['/oauth/jwks', 16],
    ] as const) {
      for (let count = 0; count < most; count += 1) assert.equal(limits.enter(path, 'a', NOW), 0);
      for (let count = 0; count < 100; count += 1) assert.equal(limits.enter(path, 'a', NOW), 1_000);
      assert.equal(limits.enter(path, 'b', NOW), 0);
      limits.leave(path, 'a');
      assert.equal(limits.enter(path, 'a', NOW), 0);
      assert.equal(limits.enter(path, 'a', NOW), 1_000);
    }
  });

  it('leaves room for documents, however many wait for the IdP', () => {
    const limits = new LoginLimits(RATES);
    for (let address = 0; address < 6; address += 1) {
      for (let count = 0; count < 8; count += 1) assert.equal(limits.enter('/oauth/callback', `${address}`, NOW), 0);
    }
    assert.equal(limits.enter('/oauth/callback', 'another', NOW), 1_000);
    assert.equal(limits.enter('/oauth/jwks', 'another', NOW), 0);
    limits.leave('/oauth/callback', '0');
    assert.equal(limits.enter('/oauth/callback', 'another', NOW), 0);
  });
});
