/** Obex is killed between any two steps of a login: the login goes on where it was, and nothing is half granted. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { formatLoginConfig, LoginWalk, STEPS, type Step } from '../../support/login-walk.ts';
import { startObexProcess } from '../../support/obex-process.ts';
import { startRecordingBackend } from '../../support/recording-backend.ts';
import { startStandInIdp } from '../../support/stand-in-idp.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

/** `begin` starts Obex anew, at the same port and with the same file. */
async function setUp(context: TestContext) {
  const folder = createTempFolder('killed');
  context.after(() => folder.remove());
  const idp = await startStandInIdp(context);
  const backend = await startRecordingBackend(context);
  const login = `  store: { backend: sqlite, path: "${path.join(folder.path, 'login.db')}" }\n`;
  const config = (port: number): string => formatLoginConfig({ port, backend, idp, login });
  let obex = await startObexProcess({ config });
  context.after(() => obex.stop());
  const { port } = obex;
  const kill = async (): Promise<void> => {
    obex.kill('SIGKILL');
    await obex.ended();
  };
  const begin = async (): Promise<void> => {
    obex = await startObexProcess({ config: config(port) });
  };
  return { walk: new LoginWalk(`http://localhost:${port}`, idp), kill, begin };
}

describe('kill -9 with a store in a file', () => {
  for (const [index, step] of STEPS.entries()) {
    const next = STEPS[index + 1];
    it(`after ${step}: ${next === undefined ? 'the tokens are good' : `${next} goes on`}`, async (context) => {
      const { walk, kill, begin } = await setUp(context);
      await walk.go('register', step);
      await kill();
      await begin();
      if (next !== undefined) await walk.go(next, 'refresh');
      assert.equal(await walk.call(), 200);
    });
  }

  /** What has left a mark in the store by then. */
  const REPEATED: readonly Step[] = ['authorize', 'approve', 'callBack', 'exchange', 'refresh'];
  for (const step of REPEATED) {
    it(`during ${step}: whoever begins again gets in`, async (context) => {
      const { walk, kill, begin } = await setUp(context);
      const before = STEPS[STEPS.indexOf(step) - 1];
      if (before !== undefined) await walk.go('register', before);
      const answered = walk.steps[step]().catch(() => undefined);
      await kill();
      await answered;
      await begin();
      await walk.go('authorize', 'refresh');
      assert.equal(await walk.call(), 200);
    });
  }
});
