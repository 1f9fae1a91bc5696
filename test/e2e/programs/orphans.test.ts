/** Obex is killed without a word, and nothing of what it started is left. signal(7), SIGKILL. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startChild } from '../../support/child.ts';
import { parseObject } from '../../support/json.ts';
import { ProgramClient } from '../../support/programs/client.ts';
import { isGone, isRunning } from '../../support/programs/process.ts';
import { ALICE } from '../../support/programs/programs.ts';
import { createSocketFetch } from '../../support/programs/socket-fetch.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const HOST = join(import.meta.dirname, '../../support/programs/host.ts');

describe('a process of Obex that is killed', () => {
  it('takes with it programs that heed nothing, and what they have started', async (context) => {
    const folder = createTempFolder('orphans');
    const socketPath = join(folder.path, 's');
    const host = startChild({ command: process.execPath, args: [HOST, socketPath] });
    context.after(async () => {
      await host.stop();
      folder.remove();
    });
    await host.waitFor('ready', () => (host.stdout().includes('ready') ? true : undefined));
    const client = new ProgramClient(createSocketFetch({ socketPath, hop: 'hop' }, ALICE), 'http://programs/files');
    await client.open();
    const pid = Number(parseObject(await client.callText('who'))['pid']);
    const grandchild = Number(await client.callText('fork'));
    assert.ok(isRunning(pid) && isRunning(grandchild));
    host.kill('SIGKILL');
    await host.ended();
    await isGone(pid);
    await isGone(grandchild);
  });
});
