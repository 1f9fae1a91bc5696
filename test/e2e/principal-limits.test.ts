/** One principal must not take the place of all others: requests and event streams in flight. RFC 6585 §4. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { formatRequest, type RequestText } from '../support/obex.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { OK_BODY, reply } from '../support/recording-backend.ts';
import { assertRefusal } from '../support/refusal.ts';
import { type Phase2Stack, startPhase2 } from '../support/stack.ts';
import { until } from '../support/until.ts';

const LIMITS = 'max_requests_per_principal: 3\nmax_streams_per_principal: 2';
const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

type Client = Awaited<ReturnType<Phase2Stack['obex']['open']>>;

function assertTooMany(response: RawResponse): void {
  assertRefusal(response, 'too_many_in_flight');
  assert.deepEqual(response.values('retry-after'), ['1']);
}

function openStream({ socket }: { readonly socket: Socket }): void {
  socket.write(STREAM_HEAD);
}

async function requestOf(stack: Phase2Stack, claims: Record<string, unknown> = {}): Promise<RequestText> {
  return { lines: [await stack.authorization({ claims })] };
}

/** Sends a request that the backend has and does not answer. */
async function hold(stack: Phase2Stack, request: RequestText): Promise<Client> {
  const client = await stack.obex.open();
  const index = stack.backend.requests.length;
  await client.send(formatRequest(request));
  await stack.backend.request(index);
  return client;
}

/** An event stream of which the client has the head. */
async function stream(stack: Phase2Stack, request: RequestText): Promise<Client> {
  const client = await stack.obex.open();
  await client.send(formatRequest(request));
  assert.equal((await client.readHead()).status, 200);
  return client;
}

/** How many requests the principal may begin now; those that were let through are answered then. */
async function countRoom(stack: Phase2Stack, request: RequestText): Promise<number> {
  const { backend, obex } = stack;
  const before = backend.requests.length;
  backend.answer = () => undefined;
  for (let begun = 0; ; begun += 1) {
    const client = await obex.open();
    await client.send(formatRequest(request));
    const fate = await until('the request is held or refused', () => {
      if (client.buffered.length > 0) return 'refused';
      return backend.requests.length > before + begun ? 'held' : undefined;
    });
    if (fate === 'held') continue;
    assertTooMany(await client.readResponse());
    for (const { socket } of backend.requests.slice(before)) reply(socket, '200 OK', [], OK_BODY);
    await allOver(stack);
    return begun;
  }
}

function allOver({ obex }: Phase2Stack): Promise<true> {
  return until('all are over', () => (obex.metric('obex_requests_in_flight') === 0 ? true : undefined));
}

describe('limits.max_requests_per_principal', () => {
  it('beyond it 429 too_many_in_flight, which the backend does not see; others go on', async (context) => {
    const stack = await startPhase2(context, { sections: { limits: LIMITS } });
    stack.backend.answer = () => undefined;
    const alice = await requestOf(stack);
    for (let held = 0; held < 3; held += 1) await hold(stack, alice);
    assertTooMany(await stack.obex.send(alice));
    assertTooMany(await stack.obex.send(await requestOf(stack, { jti: 'another token of the same' })));
    assert.equal(stack.backend.requests.length, 3);
    await hold(stack, await requestOf(stack, { sub: 'bob' }));
    await hold(stack, await requestOf(stack, { client_id: 'client-2' }));
    const logged = stack.obex.events('request').find(({ reason }) => reason === 'too_many_in_flight');
    assert.equal(logged?.['expected'], 'at most 3 requests in flight of one principal');
    assert.equal(logged?.['subject'], 'alice');
  });

  it('is a quarter of backend.max_requests by default, or 8', async (context) => {
    for (const [maxRequests, most] of [
      [40, 10],
      [16, 8],
    ] as const) {
      const stack = await startPhase2(context, { sections: { backend: `max_requests: ${maxRequests}` } });
      stack.backend.answer = () => undefined;
      const alice = await requestOf(stack);
      for (let held = 0; held < most; held += 1) await hold(stack, alice);
      const refused = await stack.obex.send(alice);
      assertTooMany(refused);
    }
  });
});

describe('limits.max_streams_per_principal', () => {
  it('a request for one more is 429 and never sent; calls go on beside the streams, and may be answered by one', async (context) => {
    const stack = await startPhase2(context, { sections: { limits: LIMITS } });
    stack.backend.answer = openStream;
    const call = await requestOf(stack);
    const listen = { ...call, lines: [...(call.lines ?? []), 'Accept: application/json, text/event-stream'] };
    const listen2026 = {
      ...call,
      method: 'POST',
      body: '{}',
      lines: [...(call.lines ?? []), 'Mcp-Method: subscriptions/listen'],
    };
    await stream(stack, listen);
    await stream(stack, listen2026);
    for (const request of [listen, listen2026]) assertTooMany(await stack.obex.send(request));
    assert.equal(stack.backend.requests.length, 2, 'a call must not be carried out and then refused');
    assert.equal(await stack.obex.scrape('obex_event_streams'), 2);
    const client = await stream(stack, { ...call, method: 'POST', body: '{}' });
    assert.equal(await stack.obex.scrape('obex_event_streams'), 3);
    client.destroy();
    await until('its end', async () => (await stack.obex.scrape('obex_event_streams')) === 2 || undefined);
    stack.backend.answer = ({ socket: other }) => reply(other, '200 OK', [], OK_BODY);
    assert.equal((await stack.obex.send(call)).status, 200);
    stack.backend.answer = openStream;
    await stream(stack, await requestOf(stack, { sub: 'bob' }));
  });
});

/** Every way in which a request that was counted can end. */
const WAYS_OUT: Readonly<Record<string, (stack: Phase2Stack, alice: RequestText) => Promise<void>>> = {
  answered: async (stack, alice) => {
    assert.equal((await stack.obex.send(alice)).status, 200);
  },
  'the client leaves before the answer': async (stack, alice) => {
    stack.backend.answer = () => undefined;
    (await hold(stack, alice)).destroy();
  },
  'the client leaves in the middle of a stream': async (stack, alice) => {
    stack.backend.answer = openStream;
    (await stream(stack, alice)).destroy();
  },
  'the stream ends': async (stack, alice) => {
    stack.backend.answer = ({ socket }) => void socket.write(`${STREAM_HEAD}0\r\n\r\n`);
    assert.equal((await stack.obex.send(alice)).status, 200);
  },
  'a stream too many': async (stack, alice) => {
    stack.backend.answer = openStream;
    const listen = { ...alice, lines: [...(alice.lines ?? []), 'Accept: text/event-stream'] };
    const streams = [await stream(stack, listen), await stream(stack, listen)];
    assertTooMany(await stack.obex.send(listen));
    for (const client of streams) client.destroy();
  },
  'the backend breaks off': async (stack, alice) => {
    stack.backend.answer = ({ socket }) => void socket.destroy();
    assert.equal((await stack.obex.send({ ...alice, method: 'POST', body: '{}' })).status, 502);
  },
  'the backend breaks off in the middle of a stream': async (stack, alice) => {
    stack.backend.answer = (request) => {
      openStream(request);
      setImmediate(() => request.socket.destroy());
    };
    const client = await stream(stack, alice);
    await client.closed;
  },
  'the backend is down': async (stack, alice) => {
    await stack.backend.stop();
    assert.equal((await stack.obex.send(alice)).status, 502);
    await stack.backend.start();
  },
  'the backend answers 401': async (stack, alice) => {
    stack.backend.answer = ({ socket }) => reply(socket, '401 Unauthorized');
    assert.equal((await stack.obex.send(alice)).status, 502);
  },
  'the process is full': async (stack, alice) => {
    await stack.obex.reload(stack.config({ limits: LIMITS, backend: 'max_requests: 1' }));
    stack.backend.answer = () => undefined;
    const bob = await hold(stack, await requestOf(stack, { sub: 'bob' }));
    assert.equal((await stack.obex.send(alice)).status, 503);
    bob.destroy();
    await allOver(stack);
    await stack.obex.reload(stack.config({ limits: LIMITS }));
  },
  'a reload between': async (stack, alice) => {
    stack.backend.answer = openStream;
    const client = await stream(stack, alice);
    await stack.obex.reload(stack.config({ limits: LIMITS, authz: 'required_scopes: ["mcp:read"]' }));
    client.destroy();
  },
};

describe('what was counted is given back, once', () => {
  for (const [way, end] of Object.entries(WAYS_OUT)) {
    it(`when: ${way}`, async (context) => {
      const stack = await startPhase2(context, { sections: { limits: LIMITS } });
      const alice = await requestOf(stack);
      for (let round = 0; round < 2; round += 1) {
        await end(stack, alice);
        await allOver(stack);
      }
      assert.equal(await stack.obex.scrape('obex_event_streams'), 0);
      assert.equal(await countRoom(stack, alice), 3);
    });
  }
});

describe('a reload that changes the limits', () => {
  it('counts what began before it, against the new limit', async (context) => {
    const stack = await startPhase2(context, { sections: { limits: LIMITS } });
    stack.backend.answer = () => undefined;
    const alice = await requestOf(stack);
    for (let held = 0; held < 3; held += 1) await hold(stack, alice);
    await stack.obex.reload(stack.config({ limits: 'max_requests_per_principal: 4' }));
    await hold(stack, alice);
    assertTooMany(await stack.obex.send(alice));
    await stack.obex.reload(stack.config({ limits: 'max_requests_per_principal: 1' }));
    assertTooMany(await stack.obex.send(alice));
    for (const { socket } of stack.backend.requests) reply(socket, '200 OK', [], OK_BODY);
    await allOver(stack);
    await hold(stack, alice);
    assertTooMany(await stack.obex.send(alice));
  });
});
