/** The line to the login thread: bounded in number and time, and nobody waits for a thread that is gone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  LoginChannel,
  type LoginQuestion,
  type LoginRequest,
  MAX_IN_FLIGHT,
} from '../../../src/state/login-channel.ts';
import { loginAnswer } from '../../support/asked-obex.ts';

const REQUEST: LoginRequest = {
  method: 'GET',
  target: '/oauth/jwks',
  fields: [],
  body: new Uint8Array(0),
  clientAddress: '192.0.2.1',
  requestId: 'id',
};

function createChannel() {
  const posted: LoginQuestion[] = [];
  return { posted, channel: new LoginChannel((question) => void posted.push(question)) };
}

describe('LoginChannel', () => {
  it('gives each request its own answer, in whatever order they come', async () => {
    const { channel, posted } = createChannel();
    const asked = ['/a', '/b'].map((target) => channel.ask({ ...REQUEST, target }));
    assert.deepEqual(
      posted.map(({ request }) => request.target),
      ['/a', '/b'],
    );
    for (const { id, request } of posted.toReversed()) {
      channel.receive({ id, outcome: loginAnswer({ body: Buffer.from(request.target) }) });
    }
    const answers = await Promise.all(asked);
    assert.deepEqual(
      answers.map((answer) => ('body' in answer ? Buffer.from(answer.body).toString() : answer)),
      ['/a', '/b'],
    );
  });

  it('refuses the 65th request at once, without sending it, and takes another when one is answered', async () => {
    const { channel, posted } = createChannel();
    const asked = Array.from({ length: MAX_IN_FLIGHT }, () => channel.ask(REQUEST));
    assert.deepEqual(await channel.ask(REQUEST), { failed: 'busy' });
    assert.equal(posted.length, 64);
    channel.receive({ id: posted[0]?.id ?? 0, outcome: loginAnswer() });
    assert.deepEqual(await asked[0], loginAnswer());
    void channel.ask(REQUEST);
    assert.equal(posted.length, 65);
    channel.close();
  });

  it('waits for 30 s, and what comes later goes nowhere', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const { channel, posted } = createChannel();
    const asked = channel.ask(REQUEST);
    context.mock.timers.tick(29_999);
    assert.equal(await Promise.race([asked, Promise.resolve('waiting')]), 'waiting');
    context.mock.timers.tick(1);
    assert.deepEqual(await asked, { failed: 'late' });
    channel.receive({ id: posted[0]?.id ?? 0, outcome: loginAnswer() });
    channel.receive({ id: 4_711, outcome: loginAnswer() });
    assert.equal(Array.from({ length: 64 }, () => channel.ask(REQUEST)).length + 1, posted.length);
    channel.close();
  });

  it('fails what is in flight when the thread is gone, and all that is asked afterwards', async () => {
    const { channel, posted } = createChannel();
    const asked = [channel.ask(REQUEST), channel.ask(REQUEST)];
    channel.close();
    assert.deepEqual(await Promise.all(asked), [{ failed: 'down' }, { failed: 'down' }]);
    assert.deepEqual(await channel.ask(REQUEST), { failed: 'down' });
    assert.equal(posted.length, 2);
  });
});
