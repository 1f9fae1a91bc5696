/** The sweep over deadlines: it runs for as long as there is something to watch. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Sweep, type Timing } from '../../../../src/wire/http1/timing.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { FakeTiming } from '../../../support/wire-peers.ts';

function createSweep() {
  const running = new Set<() => void>();
  const timing: Timing = {
    clock: new FakeClock(),
    repeat: (run) => {
      running.add(run);
      return () => running.delete(run);
    },
    afterEvents: (run) => run(),
  };
  return { sweep: new Sweep(timing, 1000), running };
}

/** The period of a sweep whose shortest deadline is a second. */
const PERIOD_MS = 125;

describe('Sweep', () => {
  it('goes on for what is added after it was stopped: a closed pool may still be handed a request', () => {
    const { sweep, running } = createSweep();
    sweep.add({ checkDeadlines: () => undefined, onBug: assert.ifError });
    sweep.stop();
    assert.equal(running.size, 0);
    let checks = 0;
    sweep.add({
      checkDeadlines: () => {
        checks += 1;
      },
      onBug: assert.ifError,
    });
    for (const run of running) run();
    assert.equal(checks, 1);
  });

  it('a bug in one deadline is told to whose it is, and the others are looked at all the same', () => {
    const { sweep, running } = createSweep();
    const bug = new Error('a bug');
    const seen: unknown[] = [];
    sweep.add({
      checkDeadlines: () => {
        throw bug;
      },
      onBug: (error) => void seen.push(error),
    });
    sweep.add({ checkDeadlines: () => void seen.push('the next'), onBug: assert.ifError });
    for (const run of running) run();
    assert.deepEqual(seen, [bug, 'the next']);
  });

  it('after a standstill what has come is read first: a paused container answered 504 for answers that lay there', () => {
    const timing = new FakeTiming();
    const sweep = new Sweep(timing, 1000);
    const seen: string[] = [];
    sweep.add({ checkDeadlines: () => void seen.push('deadlines'), onBug: assert.ifError });
    timing.turn(() => {
      timing.advance(3 * PERIOD_MS);
      seen.push('events');
    });
    assert.deepEqual(seen, ['events', 'deadlines']);
    timing.turn(() => {
      timing.advance(PERIOD_MS);
      seen.push('events');
    });
    assert.deepEqual(seen, ['events', 'deadlines', 'deadlines', 'events']);
  });

  it('a server that has stopped in the meantime looks at nothing', () => {
    const timing = new FakeTiming();
    const sweep = new Sweep(timing, 1000);
    sweep.add({ checkDeadlines: () => assert.fail('looked'), onBug: assert.ifError });
    timing.turn(() => {
      timing.advance(3 * PERIOD_MS);
      sweep.stop();
    });
  });
});
