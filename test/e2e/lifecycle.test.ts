/** Reload and drain of a running Obex: what changes, what stays, and how connections end. RFC 9112 §9.6. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import type { Config } from '../../src/config/schema.ts';
import { bearer, bodyOf, formatConfig, formatRequest, parseConfig, sendOn } from '../support/obex.ts';
import { changeServer } from '../support/only-server.ts';
import { openRaw } from '../support/raw-http.ts';
import { OK_BODY, reply, startRecordingBackend } from '../support/recording-backend.ts';
import { configureTransport } from '../support/served-obex.ts';
import { startPhase1, startPhase2 } from '../support/stack.ts';
import { startTestIssuer } from '../support/test-issuer.ts';
import { assertLast, FIRST_REQUEST, OWN_TIMERS } from '../support/transport.ts';
import { until } from '../support/until.ts';

const TOKEN = bearer('anything');
const GET = formatRequest({ lines: [TOKEN] });
const EVENT_STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';

function chunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

describe('reload', () => {
  it('puts the new configuration in force without dropping a connection', async (context) => {
    const stack = await startPhase1(context);
    const next = await startRecordingBackend(context);
    const client = await stack.obex.open();
    assert.equal((await sendOn(client, { lines: [TOKEN] })).status, 200);
    await stack.obex.reload(
      formatConfig({
        backend: next,
        sections: { limits: 'max_request_body: "10B"', cors: 'allowed_origins: ["https://a.example"]' },
      }),
    );
    const response = await sendOn(client, { lines: [TOKEN, 'Origin: https://a.example'] });
    assert.equal(response.status, 200);
    assert.deepEqual([stack.backend.requests.length, next.requests.length], [1, 1]);
    assert.equal((await sendOn(client, { method: 'POST', lines: [TOKEN], body: '12345678901' })).status, 413);
  });

  it('a request keeps the configuration that it began with', async (context) => {
    const stack = await startPhase1(context);
    const next = await startRecordingBackend(context);
    stack.backend.answer = () => undefined;
    const client = await stack.obex.open();
    await client.send(GET);
    const { socket } = await stack.backend.request(0);
    await stack.obex.reload(formatConfig({ backend: next }));
    reply(socket, '200 OK', [], 'from the old backend');
    assert.equal((await client.readResponse()).body.toString(), 'from the old backend');
    assert.equal((await sendOn(client, { lines: [TOKEN] })).body.toString(), OK_BODY);
    assert.equal(next.requests.length, 1);
  });

  it('a stream goes on, and requests in flight are counted for the whole process', async (context) => {
    const sections = { backend: 'max_requests: 1' };
    const stack = await startPhase1(context, { sections });
    stack.backend.answer = ({ socket }) => socket.write(EVENT_STREAM + chunk('data: 1\n\n'));
    const client = await stack.obex.open();
    await client.send(GET);
    await client.readUntil('data: 1');
    await stack.obex.reload(stack.config(sections));
    assert.equal(bodyOf(await stack.obex.send({ lines: [TOKEN] }))['reason'], 'overloaded');
    (await stack.backend.request(0)).socket.write(chunk('data: 2\n\n'));
    await client.readUntil('data: 2');
  });

  it('takes over issuers, audiences and scopes', async (context) => {
    const stack = await startPhase2(context);
    const other = await startTestIssuer(context, stack.clock);
    const line = bearer(await other.token());
    assert.equal(bodyOf(await stack.obex.send({ lines: [line] }))['reason'], 'invalid_issuer');
    await stack.obex.reload(formatConfig({ backend: stack.backend, issuer: other }));
    await stack.obex.event('jwks_fetched', ({ issuer }) => issuer === other.url);
    assert.equal((await stack.obex.send({ lines: [line] })).status, 200);
    assert.equal(bodyOf(await stack.obex.send({ lines: [await stack.authorization()] }))['reason'], 'invalid_issuer');
    const prm = bodyOf(await stack.obex.send({ target: '/.well-known/oauth-protected-resource' }));
    assert.deepEqual(prm['authorization_servers'], [other.url]);
  });

  it('of nothing but how keys are kept leaves the known keys in force, in an outage too', async (context) => {
    const stack = await startPhase2(context);
    const token = await stack.authorization();
    stack.issuer.state = 'failing';
    for (const idp of ['jwks_refresh: 1m', 'jwks_refresh: 1m\njwks_max_stale: 48h']) {
      await stack.obex.reload(stack.config({ idp }));
      assert.equal((await stack.obex.send({ lines: [token] })).status, 200, idp);
    }
  });

  it('keeps what has been counted', async (context) => {
    const stack = await startPhase1(context);
    await stack.obex.send({ lines: [TOKEN] });
    await stack.obex.reload(stack.config());
    await stack.obex.send({ lines: [TOKEN] });
    assert.equal(stack.obex.metric('obex_requests_total{code="200"}'), 2);
  });
});

describe('a refused reload changes nothing and says why', () => {
  const changes: Readonly<Record<string, (config: Config) => Config>> = {
    'obex.listen': (config) => ({ ...config, obex: { ...config.obex, listen: { host: '127.0.0.1', port: 1 } } }),
    'obex.workers': (config) => ({ ...config, obex: { ...config.obex, workers: 3 } }),
    'obex.tls.enabled': (config) => ({
      ...config,
      obex: { ...config.obex, tls: { ...config.obex.tls, enabled: !config.obex.tls.enabled } },
    }),
    'metrics.listen': (config) => ({ ...config, metrics: { listen: { host: '127.0.0.1', port: 1 } } }),
    'the phase, from 2 to 1, with less protection: is something missing in the file?': (config) => ({
      ...config,
      idp: undefined,
    }),
    'backend.tls.ca_file: cannot read /nowhere/ca.pem (ENOENT)': (config) =>
      changeServer(config, ({ backend }) => ({ backend: { ...backend, tls: { ca_file: '/nowhere/ca.pem' } } })),
  };
  for (const [name, change] of Object.entries(changes)) {
    it(name, async (context) => {
      const stack = await startPhase2(context);
      const lines = [await stack.authorization()];
      const client = await stack.obex.open();
      assert.equal((await sendOn(client, { lines })).status, 200);
      const config = configureTransport(parseConfig(stack.config({ authz: 'required_scopes: ["mcp:admin"]' })));
      await assert.rejects(
        stack.obex.obex.reload(change(config)),
        (error) => error instanceof Error && error.message.includes(name),
      );
      assert.equal((await sendOn(client, { lines })).status, 200, 'the scope of the refused file is not asked for');
      assert.equal(stack.obex.metric('obex_token_cache_entries'), 1, 'not even the cache was dropped');
      assert.equal(stack.obex.obex.phase, 2);
    });
  }
});

const DELAY_MS = 61_001;
const TIMEOUT_MS = 61_002;
/** How long an event stream may take to its next boundary after the time is up. */
const GRACE_MS = 500;
const LIMITS = { limits: `drain_timeout: "${TIMEOUT_MS}ms"` };

/** Begins to drain; the timers of the drain, told by their length, run out when the test says so. All others are real. */
function startDrain(context: TestContext, obex: { drain(): Promise<void> }) {
  const held = new Map<number, () => void>();
  const { setTimeout: realSetTimeout } = globalThis;
  context.mock.method(globalThis, 'setTimeout', (callback: () => void, ms: number) => {
    if (![DELAY_MS, TIMEOUT_MS, GRACE_MS].includes(ms)) return realSetTimeout(callback, ms);
    held.set(ms, callback);
    return realSetTimeout(() => undefined, 0);
  });
  const runOut = (ms: number): void => {
    const callback = held.get(ms);
    assert.ok(callback, `a timer of ${ms} ms`);
    callback();
  };
  return { drained: obex.drain(), runOut };
}

/** A worker that is stopped takes a moment, in which it may still accept. */
async function untilNobodyListens(port: number): Promise<void> {
  await until('the connection to be refused', () =>
    openRaw(port).then(
      (client) => {
        client.destroy();
        return undefined;
      },
      () => true,
    ),
  );
}

describe('drain', () => {
  it('closes the listener and idle connections at once, and is over', async (context) => {
    const { obex } = await startPhase1(context);
    const used = await obex.open();
    assert.equal((await sendOn(used, { lines: [TOKEN] })).status, 200);
    await obex.obex.drain();
    assert.equal(await used.closed, 'fin');
    await assert.rejects(openRaw(obex.port), { code: 'ECONNREFUSED' });
  });

  it('the first request of a connection that was accepted before is answered, not reset', {
    skip: FIRST_REQUEST.skip || OWN_TIMERS.skip,
  }, async (context) => {
    const { obex, backend } = await startPhase1(context);
    const client = await obex.open();
    const other = await obex.open();
    await until('both to be accepted', async () => {
      const page = (await sendOn(other, { target: '/metrics' })).body.toString();
      return page.includes('\nobex_connections 2\n') ? true : undefined;
    });
    const { drained } = startDrain(context, obex.obex);
    const response = await sendOn(client, { lines: [TOKEN] });
    assert.deepEqual([response.status, bodyOf(response)['reason']], [503, 'draining']);
    await assertLast(response, client);
    assert.equal(await client.closed, 'fin');
    assert.equal(backend.requests.length, 0);
    await drained;
  });

  it('drain_delay: not ready at once, but still serving', OWN_TIMERS, async (context) => {
    const stack = await startPhase1(context, { sections: { limits: `drain_delay: "${DELAY_MS}ms"` } });
    const { drained, runOut } = startDrain(context, stack.obex.obex);
    const client = await stack.obex.open();
    const ready = await sendOn(client, { target: '/ready' });
    assert.equal(ready.status, 503);
    assert.deepEqual(bodyOf(ready), { status: 'draining' });
    assert.equal((await sendOn(client, { target: '/health' })).status, 200);
    assert.equal((await sendOn(client, { target: '/.well-known/oauth-protected-resource' })).status, 200);
    const served = await sendOn(client, { lines: [TOKEN] });
    assert.equal(served.status, 200, 'load balancers have not noticed yet');
    assert.deepEqual(served.values('connection'), []);
    runOut(DELAY_MS);
    await drained;
    await client.closed;
    await assert.rejects(openRaw(stack.obex.port), { code: 'ECONNREFUSED' });
  });

  it('running requests are answered, with Connection: close', async (context) => {
    const stack = await startPhase1(context);
    stack.backend.answer = () => undefined;
    const client = await stack.obex.open();
    await client.send(GET);
    const { socket } = await stack.backend.request(0);
    const { drained } = startDrain(context, stack.obex.obex);
    reply(socket, '200 OK', [], OK_BODY);
    const response = await client.readResponse();
    assert.equal(response.body.toString(), OK_BODY);
    await assertLast(response, client);
    assert.equal(await client.closed, 'fin');
    await drained;
  });

  it(
    'after drain_timeout an event stream ends at once when it stands between two events',
    OWN_TIMERS,
    async (context) => {
      const stack = await startPhase1(context, { sections: LIMITS });
      stack.backend.answer = ({ socket }) => socket.write(EVENT_STREAM + chunk('data: 1\n\n'));
      const client = await stack.obex.open();
      await client.send(GET);
      await client.readUntil('data: 1\n\n');
      const { socket } = await stack.backend.request(0);
      const { drained, runOut } = startDrain(context, stack.obex.obex);
      socket.write(chunk('data: 2\n\n'));
      await client.readUntil('data: 2\n\n');
      runOut(TIMEOUT_MS);
      const response = await client.readResponse();
      assert.equal(response.complete, true);
      assert.equal(response.body.toString(), 'data: 1\n\ndata: 2\n\n');
      assert.equal(await client.closed, 'fin');
      if (!socket.destroyed) await once(socket, 'close');
      await drained;
    },
  );

  it('in the middle of an event it ends behind it', OWN_TIMERS, async (context) => {
    const stack = await startPhase1(context, { sections: LIMITS });
    stack.backend.answer = ({ socket }) => socket.write(EVENT_STREAM + chunk('data: 1\n\ndata: ha'));
    const client = await stack.obex.open();
    await client.send(GET);
    await client.readUntil('data: ha');
    const { drained, runOut } = startDrain(context, stack.obex.obex);
    runOut(TIMEOUT_MS);
    (await stack.backend.request(0)).socket.write(chunk('lf\n\ndata: 3\n\n'));
    const response = await client.readResponse();
    assert.equal(response.complete, true);
    assert.equal(response.body.toString(), 'data: 1\n\ndata: half\n\n');
    await drained;
  });

  it(
    'a compressed event stream has no boundaries in its bytes: it is cut, and never looks complete',
    OWN_TIMERS,
    async (context) => {
      const stack = await startPhase1(context, { sections: LIMITS });
      const head = EVENT_STREAM.replace('Transfer-Encoding', 'Content-Encoding: gzip\r\nTransfer-Encoding');
      stack.backend.answer = ({ socket }) => socket.write(head + chunk('gzip\n\n'));
      const client = await stack.obex.open();
      await client.send(GET);
      await client.readUntil('gzip\n\n');
      const { socket } = await stack.backend.request(0);
      const { drained, runOut } = startDrain(context, stack.obex.obex);
      runOut(TIMEOUT_MS);
      const response = await client.readResponse();
      assert.equal(response.complete, false);
      assert.equal(response.body.toString(), 'gzip\n\n');
      if (!socket.destroyed) await once(socket, 'close');
      await drained;
    },
  );

  it('what is neither done nor at a boundary is cut, visibly', OWN_TIMERS, async (context) => {
    const stack = await startPhase1(context, { sections: LIMITS });
    stack.backend.answer = ({ socket, requestLine }) => {
      if (requestLine.includes('/events')) socket.write(EVENT_STREAM + chunk('data: 1\n\ndata: ha'));
      else if (requestLine.includes('/long')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial');
    };
    const clients = await Promise.all(
      ['/events', '/long', '/silent'].map(async (target) => {
        const client = await stack.obex.open();
        await client.send(formatRequest({ target, lines: [TOKEN] }));
        return client;
      }),
    );
    await stack.backend.request(2);
    const [events, long, silent] = clients;
    assert.ok(events && long && silent);
    await events.readUntil('data: ha');
    await long.readUntil('partial');
    const { drained, runOut } = startDrain(context, stack.obex.obex);
    runOut(TIMEOUT_MS);
    runOut(GRACE_MS);
    await drained;
    assert.equal((await events.readResponse()).complete, false);
    assert.equal((await long.readResponse()).complete, false);
    assert.equal((await silent.readToEnd()).length, 0);
    for (const { socket } of stack.backend.requests) if (!socket.destroyed) await once(socket, 'close');
  });

  it('stop cuts at once', async (context) => {
    const stack = await startPhase1(context);
    stack.backend.answer = () => undefined;
    const client = await stack.obex.open();
    await client.send(GET);
    const { socket } = await stack.backend.request(0);
    const closed = once(socket, 'close');
    stack.obex.obex.stop();
    await Promise.all([client.closed, closed]);
    await untilNobodyListens(stack.obex.port);
  });
});
