/** What outlives a restart, and with which secret. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openMemory } from '../../../src/login/memory.ts';
import { createUpstreamStates } from '../../../src/login/upstream-state.ts';
import { createLog } from '../../../src/observe/log.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const log = createLog('fatal', process.stderr);
const SECRET = 'a secret of at least thirty-two characters';

it('has a key of its own for each use', async () => {
  const memory = await openMemory({ store: { backend: 'memory' }, secret: SECRET }, new FakeClock(), log);
  const [, , signature = ''] = createUpstreamStates(memory.stateKey).make('flow', 'secret').split('.');
  assert.match(signature, /^[\w-]{43}$/);
  assert.notEqual(`state:${signature}`, memory.seal.hashKey('state', 'flow.secret'));
  assert.equal(memory.seal.unseal('name', memory.cookieSeal.seal('name', Buffer.from('text'))), undefined);
  assert.notDeepEqual(memory.stateKey, memory.clientIdKey);
  await memory.store.close();
});

describe('the memory of the login in a file', () => {
  it('has the same keys after a restart, and is not opened with another secret', async (context) => {
    const folder = createTempFolder('login-memory');
    context.after(() => folder.remove());
    const store = { backend: 'sqlite', path: join(folder.path, 'login.db') } as const;
    const clock = new FakeClock();
    const kids: unknown[] = [];
    for (let start = 0; start < 2; start += 1) {
      const memory = await openMemory({ store, secret: SECRET }, clock, log);
      await memory.keys.refresh();
      kids.push(memory.keys.publicKeys.map(({ kid }) => kid));
      await memory.store.close();
    }
    assert.deepEqual(kids[0], kids[1]);
    await assert.rejects(openMemory({ store, secret: `${SECRET}, another one` }, clock, log), {
      message: `login.store: ${store.path} was written with another obex.secret. Give that one back, or delete it, which logs everybody out`,
    });
  });
});
