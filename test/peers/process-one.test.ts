/** Obex as process 1, as in a container: the kernel drops every signal there that nobody catches. pid_namespaces(7). */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startChild } from '../support/child.ts';
import { formatConfig } from '../support/obex.ts';
import { PROGRAM } from '../support/program.ts';
import { createTempFolder } from '../support/temp-folder.ts';

const NAMESPACE = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child'];
const canUnshare = spawnSync('unshare', [...NAMESPACE, 'true']).status === 0;

/** The process that `unshare` has forked; only the kernel knows its number out here. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1'));
}

describe('process 1', { skip: canUnshare ? false : 'unshare may not make a PID namespace here' }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} in the middle of the start is not lost`, async (context) => {
      const folder = createTempFolder('process-one');
      context.after(() => folder.remove());
      const path = join(folder.path, 'obex.yaml');
      execFileSync('mkfifo', [path]);
      const args = [...NAMESPACE, PROGRAM.command, ...PROGRAM.args, 'serve', '--config', path];
      const child = startChild({ command: 'unshare', args });
      context.after(() => child.kill('SIGKILL'));
      // Opens when somebody reads.
      const pipe = await open(path, 'w');
      process.kill(childOf(child.pid), signal);
      await pipe.writeFile(formatConfig({ backend: { port: 9 } }));
      await pipe.close();
      // It stands still while it reads, so it may have begun to serve before it hears, and then it drains.
      const { code } = await child.ended();
      assert.ok([0, 128 + 15, 128 + 2].includes(code ?? Number.NaN), `ended with ${code}`);
    });
  }
});
