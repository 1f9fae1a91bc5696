/** What bodies of all and of one may hold, counted as they arrive and until a process has read them. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { BodyBudget } from '../../../src/programs/body-budget.ts';
import { CountedBody } from '../../../src/programs/counted-body.ts';
import { ProgramInput } from '../../../src/programs/program-input.ts';
import { collectBody } from '../../../src/wire/collect-body.ts';
import type { BodySink } from '../../../src/wire/exchange.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** A body that is read; `arrive` is what its client sends. */
function read(budget: BodyBudget, subjectKey: string, length = 4 * MIB) {
  const outcomes: unknown[] = [];
  const sinks: BodySink[] = [];
  const counted = new CountedBody({ length, deliverTo: (sink) => void sinks.push(sink) }, budget, subjectKey);
  collectBody(counted, length, (outcome) => void outcomes.push(typeof outcome === 'string' ? outcome : outcome.length));
  const arrive = (bytes: number): void => void sinks[0]?.write(Buffer.alloc(bytes));
  return { counted, outcomes, arrive, finish: () => sinks[0]?.end(), abort: () => sinks[0]?.abort('client_closed') };
}

describe('BodyBudget', () => {
  it('is charged for what has arrived, not for what is announced', () => {
    const budget = new BodyBudget(8 * MIB);
    const slow = Array.from({ length: 100 }, () => read(budget, 'alice'));
    for (const { arrive } of slow) arrive(1);
    assert.equal(budget.held, 100);
    const bob = read(budget, 'bob');
    bob.arrive(4 * MIB);
    bob.finish();
    assert.deepEqual(bob.outcomes, [4 * MIB]);
  });

  it('leaves a subject a quarter, and one body that is alone', () => {
    const budget = new BodyBudget(8 * MIB);
    const [one, other, bob] = [read(budget, 'alice'), read(budget, 'alice'), read(budget, 'bob')];
    one.arrive(3 * MIB);
    other.arrive(100 * KIB);
    assert.equal(other.counted.isRefused, true);
    assert.deepEqual(other.outcomes, ['payload_too_large']);
    // The rest of it is thrown away.
    other.arrive(MIB);
    other.finish();
    other.abort();
    assert.equal(other.outcomes.length, 1);
    bob.arrive(2 * MIB);
    assert.equal(bob.counted.isRefused, false);
    assert.equal(budget.held, 5 * MIB);
    for (const { counted } of [one, other, bob]) counted.release();
    assert.equal(budget.held, 0);
  });

  it('refuses nobody a small one', () => {
    const budget = new BodyBudget(MIB);
    budget.hold('bob', MIB);
    budget.hold('alice', MIB);
    const [small, large] = [read(budget, 'alice'), read(budget, 'alice')];
    small.arrive(64 * KIB);
    large.arrive(64 * KIB + 1);
    assert.deepEqual([small.counted.isRefused, large.counted.isRefused], [false, true]);
  });
});

describe('ProgramInput', () => {
  it('lets few bodies wait that were read for a process meanwhile, and counts what it has not read', async () => {
    const budget = new BodyBudget(128 * MIB);
    const stdin = new PassThrough();
    const input = new ProgramInput(stdin, budget, 'alice');
    input.write([Buffer.alloc(2 * MIB)]);
    assert.equal(input.isReady, false);
    const queued = [input.queue(3 * MIB), input.queue(MIB), input.queue(1), input.queue(5 * MIB)];
    assert.deepEqual(await Promise.all(queued.slice(2)), [false, false]);
    assert.equal(budget.held, 2 * MIB);
    stdin.resume();
    assert.deepEqual(await Promise.all(queued), [true, true, false, false]);
    assert.equal(budget.held, 0);
    assert.equal(await input.queue(5 * MIB), true);
  });

  it('keeps nobody waiting when it is gone', async () => {
    const stdin = new PassThrough();
    const input = new ProgramInput(stdin, new BodyBudget(MIB), 'alice');
    input.write([Buffer.alloc(2 * MIB)]);
    const queued = input.queue(1);
    input.destroy();
    assert.equal(await queued, true);
    assert.equal(input.write([Buffer.from('{}')]), false);
  });
});
