/** The counts of what each principal has under way, over both implementations; the shared one also with threads. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { type Load, type Loads, MemoryLoads } from '../../src/lib/loads.ts';
import { createLoadMemory, SharedLoads } from '../../src/state/loads-shared.ts';

const LOADER = new URL('../support/load-worker.ts', import.meta.url);
const THREADS = 2;
const SET_SIZE = 16;

function begin(loads: Loads, key: string, most = 1): Load {
  const load = loads.begin(key, most);
  assert.ok(load !== undefined, `${key} finds no room`);
  return load;
}

function itCounts(create: () => Loads): void {
  it('lets each have as many as it may, and again when one has ended', () => {
    const loads = create();
    const held = [begin(loads, 'a', 2), begin(loads, 'a', 2)];
    assert.equal(loads.begin('a', 2), undefined);
    begin(loads, 'b', 2);
    held[0]?.end();
    begin(loads, 'a', 2);
    assert.equal(loads.begin('a', 2), undefined);
  });

  it('takes the limit of now, whatever it was before', () => {
    const loads = create();
    const held = [begin(loads, 'a', 2), begin(loads, 'a', 2)];
    begin(loads, 'a', 3);
    held[0]?.end();
    assert.equal(loads.begin('a', 1), undefined);
    assert.equal(loads.begin('a', 2), undefined);
  });

  it('counts streams beside requests', () => {
    const loads = create();
    const [first, second] = [begin(loads, 'a', 9), begin(loads, 'a', 9)];
    assert.equal(first.addStream(1), true);
    assert.equal(second.addStream(1), false);
    first.removeStream();
    assert.equal(second.addStream(1), true);
    assert.equal(begin(loads, 'b').addStream(1), true);
  });

  it('any order of beginnings and ends: never more than the limit, never less than there is room for', () => {
    const steps = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), isEnd: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, most) => {
        const loads = create();
        const held: Record<string, Load[]> = { a: [], b: [], c: [] };
        for (const { key, isEnd } of all) {
          const own = held[key] ?? [];
          if (isEnd) own.pop()?.end();
          else {
            const load = loads.begin(key, most);
            assert.equal(load === undefined, own.length === most);
            if (load !== undefined) own.push(load);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
}

describe('what each has under way, in one thread', () => {
  itCounts(() => new MemoryLoads());

  it('keeps nothing of those who have nothing under way', () => {
    const loads = new MemoryLoads();
    const held = Array.from({ length: 1_000 }, (_, key) => begin(loads, String(key)));
    assert.equal(loads.size, 1_000);
    for (const load of held) load.end();
    assert.equal(loads.size, 0);
  });
});

describe('what each has under way, in several threads', () => {
  itCounts(() => new SharedLoads(createLoadMemory()));

  it('those who find no room share one limit, and what they held is given back', () => {
    const loads = new SharedLoads(createLoadMemory(1));
    const held = Array.from({ length: SET_SIZE }, (_, key) => begin(loads, `known-${key}`, 2));
    const crowd = [begin(loads, 'newcomer', 2), begin(loads, 'another', 2)];
    assert.equal(loads.begin('newcomer', 2), undefined);
    assert.equal(loads.begin('a third', 2), undefined);
    assert.equal(crowd[0]?.addStream(1), true);
    assert.equal(crowd[1]?.addStream(1), false);
    begin(loads, 'known-0', 2).end();
    // Room for the newcomer, which has one request counted with the others: each ends where it was counted.
    held[0]?.end();
    const own = [begin(loads, 'newcomer', 2), begin(loads, 'newcomer', 2)];
    assert.equal(loads.begin('newcomer', 2), undefined);
    crowd[0]?.removeStream();
    for (const load of [...crowd, ...own, ...held.slice(1)]) load.end();
    for (let round = 0; round < 2; round += 1) {
      const again = Array.from({ length: SET_SIZE }, (_, key) => begin(loads, `${round}-${key}`));
      const beyond = begin(loads, 'beyond the set');
      assert.equal(loads.begin('beyond it as well', 1), undefined);
      for (const load of [...again, beyond]) load.end();
    }
  });

  it('never more than the limit at once and nothing left over, whichever threads count', async (context) => {
    const most = 3;
    const memory = createLoadMemory();
    const gate = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const present = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const workerData = { memory, gate, present, threads: THREADS, most, rounds: 20_000 };
    const workers = Array.from({ length: THREADS }, () => new Worker(LOADER, { workerData }));
    context.after(() => Promise.all(workers.map((worker) => worker.terminate())));
    const highest = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
    assert.ok(Math.max(...highest) <= most, highest.join(' '));
    const loads = new SharedLoads(memory);
    for (let left = 0; left < most; left += 1) assert.ok(begin(loads, 'a', most).addStream(most));
    assert.equal(loads.begin('a', most), undefined);
  });
});
