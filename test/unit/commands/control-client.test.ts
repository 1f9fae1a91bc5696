/** The command line before something that is no Obex of its own: it tells no secret and believes nothing. CWE-291. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { askControl } from '../../../src/commands/control-client.ts';
import { CONTROL_TOKEN, startControl } from '../../support/control.ts';
import { freePort } from '../../support/free-port.ts';
import { reply, startRecordingBackend } from '../../support/recording-backend.ts';

const COMMAND = { kind: 'revoke', whose: { by: 'all' } } as const;

function at(port: number, token = CONTROL_TOKEN) {
  return { listen: { host: '127.0.0.1', port }, token };
}

/** Somebody else who listens there. */
async function startStranger(context: TestContext, lines: readonly string[]) {
  const stranger = await startRecordingBackend(context);
  stranger.answer = ({ socket }) =>
    reply(socket, '200 OK', ['Content-Type: application/json', ...lines], '{"ended":7}');
  return stranger;
}

describe('askControl', () => {
  it('believes an Obex that knows the token', async (context) => {
    const control = await startControl(context, 'port');
    assert.deepEqual(await askControl(at(Number(control.place)), COMMAND, control.clock.nowMs()), {
      status: 200,
      json: { ended: 1 },
    });
  });

  for (const lines of [[], ['X-Obex-Control-Proof: AAAA'], [`X-Obex-Control-Proof: ${'A'.repeat(43)}`]]) {
    it(`does not believe a stranger who answers with ${lines.length === 0 ? 'no proof' : lines[0]}`, async (context) => {
      const stranger = await startStranger(context, lines);
      await assert.rejects(askControl(at(stranger.port), COMMAND, 0), {
        name: 'ControlProblem',
        exit: 1,
        message:
          `what listens on 127.0.0.1:${stranger.port} does not know admin.token: it is no Obex with this config. Nothing it says ` +
          'was believed',
      });
      assert.equal(stranger.received().includes(CONTROL_TOKEN), false);
    });
  }

  it('says what is to be done where nobody listens, where it may not, and where nothing is configured', async (context) => {
    const port = await freePort();
    await assert.rejects(askControl(at(port), COMMAND, 0), {
      exit: 1,
      message: `nothing listens on 127.0.0.1:${port}: is Obex running, with this config and this admin.listen?`,
    });
    const listen = { path: '/nowhere/c.sock' };
    await assert.rejects(askControl({ listen, token: undefined }, COMMAND, 0), {
      exit: 1,
      message: 'nothing listens on unix:/nowhere/c.sock: is Obex running, with this config and this admin.listen?',
    });
    await assert.rejects(askControl({ listen: undefined, token: undefined }, COMMAND, 0), {
      exit: 2,
      message:
        'admin.listen is not configured, so a running Obex cannot be reached; set it, for example to "unix:/run/obex/control.sock", ' +
        'and restart Obex',
    });
    const { place, clock } = await startControl(context, 'port');
    await assert.rejects(askControl(at(Number(place), 'x'.repeat(32)), COMMAND, clock.nowMs()), {
      exit: 1,
      message: 'the running Obex has another admin.token, or a clock of its own; reload or restart it',
    });
  });
});
