/** The shell that is left when Obex is not: it ends the groups that it was told of, and no others. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { signalGroup } from '../../../src/lib/signal-group.ts';
import { OrphanWatch } from '../../../src/programs/orphan-watch.ts';
import { until } from '../../support/until.ts';

function startGroup(context: TestContext, command: string) {
  const child = spawn('sh', ['-c', command], { detached: true, stdio: 'ignore' });
  const { pid } = child;
  assert.ok(pid !== undefined);
  context.after(() => signalGroup(pid, 'SIGKILL'));
  return { pid, exit: once(child, 'exit') };
}

function childrenOf(): readonly number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`).toString();
  return children.split(' ').filter(Boolean).map(Number);
}

describe('OrphanWatch', () => {
  it('ends what is left, by SIGTERM and then by SIGKILL, and nothing that has been taken off', async (context) => {
    const watch = new OrphanWatch(assert.ifError);
    const obedient = startGroup(context, 'exec sleep 1000');
    const stubborn = startGroup(context, "trap '' TERM; while :; do sleep 1000; done");
    const others = [startGroup(context, 'exec sleep 1000'), startGroup(context, 'exec sleep 1000')];
    const [first, last] = others;
    assert.ok(first !== undefined && last !== undefined);
    for (const { pid } of [first, obedient, stubborn, last]) watch.add(pid);
    watch.delete(first.pid);
    watch.delete(last.pid);
    watch.stop();
    assert.deepEqual(await obedient.exit, [null, 'SIGTERM']);
    assert.deepEqual(await stubborn.exit, [null, 'SIGKILL']);
    for (const { pid } of others) assert.ok(signalGroup(pid, 0));
  });

  it('is started again when it has died', { skip: process.platform !== 'linux' && 'needs /proc' }, async (context) => {
    const before = new Set(childrenOf());
    const watch = new OrphanWatch(assert.ifError);
    const group = startGroup(context, 'exec sleep 1000');
    watch.add(group.pid);
    const findShell = (dead?: number) =>
      childrenOf().find((pid) => !before.has(pid) && pid !== group.pid && pid !== dead);
    const first = await until('the shell', () => findShell());
    process.kill(first, 'SIGKILL');
    await until('another shell', () => findShell(first));
    watch.stop();
    assert.deepEqual(await group.exit, [null, 'SIGTERM']);
  });
});
