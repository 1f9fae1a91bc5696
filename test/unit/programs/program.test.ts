/** One process without anything around it: input that nobody reads, a bug in whoever hears of it, groups and counts. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { createLog } from '../../../src/observe/log.ts';
import type { ProgramEndReason } from '../../../src/observe/program-metrics.ts';
import { BodyBudget } from '../../../src/programs/body-budget.ts';
import { ByteBudget } from '../../../src/programs/byte-budget.ts';
import { Program, type ProgramOwner } from '../../../src/programs/program.ts';
import { spawnProgram } from '../../../src/programs/spawn-program.ts';
import { until } from '../../support/until.ts';

function startProgram(context: TestContext, command: readonly string[], owner: Partial<ProgramOwner> = {}) {
  const gone = Promise.withResolvers<ProgramEndReason>();
  const bodyBudget = new BodyBudget(1_000_000_000);
  const bugs: unknown[] = [];
  const ends: string[] = [];
  const program = new Program(
    {
      server: 's',
      subjectKey: 'alice',
      command,
      environment: { PATH: process.env['PATH'] ?? '' },
      cwd: '',
      user: undefined,
      startTimeoutMs: 60_000,
      maxMessageBytes: 1_000_000,
    },
    {
      clock: systemClock,
      log: createLog('info', { write: () => undefined }),
      lineBudget: new ByteBudget(1_000_000),
      bodyBudget,
      onBug: (error) => void bugs.push(error),
      onGone: (_program, reason) => gone.resolve(reason),
    },
    { onMessage: () => undefined, onEnd: (why) => void ends.push(why), ...owner },
  );
  context.after(() => {
    program.end('drained');
    return gone.promise;
  });
  return { program, bodyBudget, bugs, ends, gone: gone.promise };
}

describe('spawnProgram', () => {
  it('has words for a folder that cannot be looked at', () => {
    const options = { command: ['true'], environment: {}, user: undefined };
    const spawned = spawnProgram({ ...options, cwd: `/${'x'.repeat(300)}` });
    assert.ok('problem' in spawned);
    assert.match(spawned.problem, /name too long/);
    assert.deepEqual(spawnProgram({ ...options, cwd: '/none' }), { problem: 'its folder /none is not there' });
  });
});

describe('Program', () => {
  it('that does not read keeps its clients from sending more; its end lets go of what waits', async (context) => {
    const { program, bodyBudget, gone } = startProgram(context, ['sleep', '1000']);
    const line = Buffer.alloc(3_000_000, 'x');
    const ready: string[] = [];
    program.input.whenReady(() => ready.push('before'));
    program.send(line);
    program.input.whenReady(() => ready.push('behind'));
    assert.deepEqual(ready, ['before']);
    assert.equal(bodyBudget.held, line.length);
    program.end('deleted');
    assert.equal(await gone, 'deleted');
    assert.deepEqual(ready, ['before', 'behind']);
    assert.equal(bodyBudget.held, 0);
  });

  it('that reads lets them go on', async (context) => {
    const { program, bodyBudget } = startProgram(context, ['sh', '-c', 'exec cat > /dev/null']);
    program.send(Buffer.alloc(3_000_000, 'x'));
    await new Promise<void>((resolve) => program.input.whenReady(resolve));
    assert.equal(bodyBudget.held, 0);
  });

  it('ends alone when a message of it meets a bug', async (context) => {
    const { gone, bugs, ends } = startProgram(context, ['sh', '-c', `echo '{"method":"x"}'; exec cat > /dev/null`], {
      onMessage: () => {
        throw new Error('a bug');
      },
    });
    assert.equal(await gone, 'bug');
    assert.equal(String(bugs[0]), 'Error: a bug');
    assert.deepEqual(ends, ['the session has ended']);
  });

  it('that closes its input, and goes on, has ended', async (context) => {
    const { program, gone, ends } = startProgram(context, ['sh', '-c', `exec <&-; echo '{"method":"x"}'; sleep 1000`], {
      onMessage: () => program.send(Buffer.from('{}')),
    });
    assert.equal(await gone, 'exited');
    assert.deepEqual(ends, ['the program has ended']);
  });

  it('that closes its output, and goes on, has ended: nobody waits for what cannot come', async (context) => {
    const { ends, gone } = startProgram(context, ['sh', '-c', 'exec >&-; exec sleep 1000']);
    await until('its end is told', () => ends.length > 0 || undefined);
    assert.deepEqual(ends, ['the program has ended']);
    assert.equal(await gone, 'exited');
    assert.equal(ends.length, 1);
  });

  it('reads lines that were sent together one by one', async (context) => {
    const methods: string[] = [];
    const { program, gone } = startProgram(context, ['head', '-n', '3'], {
      onMessage: (message) => void (message.kind !== 'response' && methods.push(message.method)),
    });
    program.send(...['a', 'b', 'c'].map((method) => Buffer.from(JSON.stringify({ method }))));
    assert.equal(await gone, 'exited');
    assert.deepEqual(methods, ['a', 'b', 'c']);
  });

  it('is heard to the end, a last line without its end too', async (context) => {
    const methods: string[] = [];
    const { gone } = startProgram(context, ['sh', '-c', `printf '{"method":"a"}\n{"method":"b"}'`], {
      onMessage: (message) => void (message.kind !== 'response' && methods.push(message.method)),
    });
    assert.equal(await gone, 'exited');
    assert.deepEqual(methods, ['a', 'b']);
  });
});
