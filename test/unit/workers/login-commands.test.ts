/** Commands to the login thread: each answered once, few at a time, none after its end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LoginCommand } from '../../../src/state/login-control.ts';
import { LoginCommands } from '../../../src/workers/login-commands.ts';

const COMMAND: LoginCommand = { kind: 'revoke', whose: { by: 'all' } };

function start() {
  const posted: (readonly [id: number, command: LoginCommand])[] = [];
  return { posted, commands: new LoginCommands((id, command) => posted.push([id, command])) };
}

describe('LoginCommands', () => {
  it('gives each its own outcome, in any order', async () => {
    const { posted, commands } = start();
    const asked = [commands.ask(COMMAND), commands.ask(COMMAND)];
    const [first, second] = posted.map(([id]) => id);
    commands.receive(second ?? 0, { kind: 'revoked', ended: 2 });
    commands.receive(first ?? 0, { kind: 'revoked', ended: 1 });
    commands.receive(first ?? 0, { kind: 'revoked', ended: 9 });
    assert.deepEqual(await Promise.all(asked), [
      { kind: 'revoked', ended: 1 },
      { kind: 'revoked', ended: 2 },
    ]);
  });

  it('carries out four at once and no more', async () => {
    const { posted, commands } = start();
    for (let count = 0; count < 4; count += 1) void commands.ask(COMMAND);
    assert.deepEqual(await commands.ask(COMMAND), { kind: 'failed', why: 'busy' });
    assert.equal(posted.length, 4);
  });

  it('says so when there is no answer in time', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { commands } = start();
    const asked = commands.ask(COMMAND);
    context.mock.timers.tick(60_000);
    assert.deepEqual(await asked, { kind: 'failed', why: 'late' });
  });

  it('ends with the thread', async () => {
    const { posted, commands } = start();
    const asked = commands.ask(COMMAND);
    commands.close();
    assert.deepEqual(await asked, { kind: 'failed', why: 'down' });
    assert.deepEqual(await commands.ask(COMMAND), { kind: 'failed', why: 'down' });
    assert.equal(posted.length, 1);
  });
});
