/** The clocks of the system, as threads of one process share them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemClock } from '../../../src/lib/clock.ts';

const CLOCK = new URL('../../../src/lib/clock.ts', import.meta.url);

it('the monotonic clock of a thread that was started later shows the same time: rate limits and used proofs are shared', async () => {
  const startedMs = systemClock.monotonicMs();
  const program = `import { parentPort } from 'node:worker_threads';
    import { systemClock } from '${CLOCK.href}';
    parentPort.postMessage(systemClock.monotonicMs());`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`));
  const [shownMs] = await once(worker, 'message');
  assert.ok(shownMs > startedMs && shownMs < systemClock.monotonicMs(), `${shownMs} after ${startedMs}`);
});
