/** The sweep over deadlines: it runs for as long as there is something to watch. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Sweep, type Timing } from '../../../../src/wire/http1/timing.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

describe('Sweep', () => {
  it('goes on for what is added after it was stopped: a closed pool may still be handed a request', () => {
    const running = new Set<() => void>();
    const timing: Timing = {
      clock: new FakeClock(),
      repeat: (run) => {
        running.add(run);
        return () => running.delete(run);
      },
      afterEvents: (run) => run(),
    };
    const sweep = new Sweep(timing, 1000);
    sweep.add({ checkDeadlines: () => undefined });
    sweep.stop();
    assert.equal(running.size, 0);
    let checks = 0;
    sweep.add({
      checkDeadlines: () => {
        checks += 1;
      },
    });
    for (const run of running) run();
    assert.equal(checks, 1);
  });
});
