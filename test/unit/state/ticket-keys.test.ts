/** RFC 5077 §5.5: keys of session tickets do not live for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRotatingTicketKeys, TICKET_KEYS_LIFETIME_MS } from '../../../src/state/ticket-keys.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('keys of session tickets', () => {
  it('are the same for an hour, then others, whose bytes were never used', () => {
    const clock = new FakeClock();
    const keys = createRotatingTicketKeys(clock);
    const first = keys();
    clock.advance(TICKET_KEYS_LIFETIME_MS - 1);
    assert.equal(keys(), first);
    clock.advance(1);
    const second = keys();
    assert.deepEqual([first.length, second.length, second.equals(first)], [48, 48, false]);
    assert.equal(keys(), second);
  });
});
