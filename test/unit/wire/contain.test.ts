/** A bug in a callback ends the connection it happened on, is told once, and takes no other along. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { Tally } from '../../../src/lib/tally.ts';
import type { BackendFailure } from '../../../src/wire/backend.ts';
import type { Exchange, ListenAddress } from '../../../src/wire/exchange.ts';
import { createBackendPool } from '../../../src/wire/http1/backend-pool.ts';
import { createCertificate } from '../../support/certificate.ts';
import { answerEach, openRaw, startRawBackend } from '../../support/raw-http.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';
import { head, LIMITS, NO_BODY, RecordedAnswer, respondText } from '../../support/wire-peers.ts';
import { backendOptions, startWire } from '../../support/wire-server.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello';
const certificate = createCertificate('localhost');

function fail(): never {
  throw new Error('a bug');
}

/** A sink with a bug in one of its methods. */
function sinkThatFails(method: 'write' | 'end' | 'abort') {
  const sink = { onDrain: undefined, write: () => true, end: () => undefined, abort: () => undefined };
  return { ...sink, [method]: fail };
}

/** Where the bug is, and what the client does for it to show. */
const BUGS: Readonly<Record<string, { onExchange(exchange: Exchange): void; bytes?: string; leaves?: boolean }>> = {
  'as a request comes': { onExchange: fail },
  'as bytes of a body come': { onExchange: ({ body }) => body.deliverTo(sinkThatFails('write')), bytes: POST },
  'as a body is complete': {
    onExchange: ({ body }) => body.deliverTo(sinkThatFails('end')),
    bytes: `${POST}hello`,
  },
  'as a body comes too slowly': { onExchange: ({ body }) => body.deliverTo(sinkThatFails('abort')), bytes: POST },
  'as the answer is through': {
    onExchange: (exchange) => {
      exchange.owner = { onClose: fail };
      respondText(exchange, 'ok');
    },
  },
  'as an answer is through that the kernel did not take at once': {
    onExchange: (exchange) => {
      exchange.owner = { onClose: fail };
      respondText(exchange, 'x'.repeat(20_000_000));
    },
  },
  'as the client goes': {
    onExchange: (exchange) => {
      exchange.owner = { onClose: fail };
      exchange.respond(head(200)).write(Buffer.from('x'));
    },
    leaves: true,
  },
  'as the client takes bytes again': {
    onExchange: (exchange) => {
      const sink = exchange.respond(head(200));
      sink.onDrain = fail;
      sink.write(Buffer.alloc(20_000_000));
    },
  },
};

async function listen(context: TestContext, onExchange: (exchange: Exchange) => void, tls: boolean) {
  const bugs: unknown[] = [];
  const tally = new Tally();
  const wire = await startWire(
    context,
    (exchange) => (exchange.head.target === '/' ? onExchange(exchange) : respondText(exchange, 'well')),
    {
      tls: tls ? certificate : undefined,
      limits: () => ({ ...LIMITS, readTimeoutMs: 200, bodyTimeoutMs: 300 }),
      connections: tally,
      watcher: { onBug: (error) => void bugs.push(error) },
    },
  );
  return { ...wire, bugs, tally };
}

async function openSocket(context: TestContext, port: number, tls: boolean): Promise<Socket> {
  const target = { port, host: '127.0.0.1' };
  const socket = tls
    ? tlsConnect({ ...target, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    : connect(target);
  context.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, tls ? 'secureConnect' : 'connect');
  return socket;
}

for (const tls of [false, true]) {
  describe(`a bug on a connection of HTTP/1.1, ${tls ? 'TLS' : 'TCP'}`, () => {
    for (const [name, { onExchange, bytes = GET, leaves = false }] of Object.entries(BUGS)) {
      it(name, async (context) => {
        const { server, bugs, tally } = await listen(context, onExchange, tls);
        const other = await openSocket(context, server.port, tls);
        const askOther = async (): Promise<void> => {
          other.write('GET /other HTTP/1.1\r\nHost: a\r\n\r\n');
          assert.match(String(await once(other, 'data')), /\r\n\r\nwell$/);
        };
        await askOther();
        const socket = await openSocket(context, server.port, tls);
        socket.write(bytes);
        if (leaves) {
          await once(socket, 'data');
          socket.destroy();
        } else socket.resume();
        await until('the bug to be told', () => (bugs.length > 0 ? true : undefined));
        await until('the connection to end', () => (tally.total === 1 ? true : undefined));
        assert.match(String(bugs), /^Error: a bug$/);
        await askOther();
      });
    }
  });
}

describe('a bug on a connection of HTTP/2', () => {
  const open = (context: TestContext, port: number): ClientHttp2Session => {
    const session = connectHttp2(`https://localhost:${port}`, { ca: certificate.cert });
    context.after(() => session.destroy());
    return session.on('error', () => undefined);
  };
  const askOther = async (session: ClientHttp2Session): Promise<string> =>
    String(await once(session.request({ ':path': '/other' }), 'data'));

  for (const [name, { onExchange, bytes = GET, leaves = false }] of Object.entries(BUGS)) {
    it(name, async (context) => {
      const { server, bugs, tally } = await listen(context, onExchange, true);
      const other = open(context, server.port);
      assert.equal(await askOther(other), 'well');
      const session = open(context, server.port);
      const stream = session.request({ ':path': '/', ':method': bytes === GET ? 'GET' : 'POST' }, { endStream: false });
      stream.on('error', () => undefined);
      if (bytes === GET) stream.end();
      else stream.write('hello');
      if (bytes.endsWith('hellohello')) stream.end();
      if (leaves) {
        await once(stream, 'data');
        session.destroy();
      } else stream.resume();
      await until('the bug to be told', () => (bugs.length > 0 ? true : undefined));
      await until('the connection to end', () => (tally.total === 1 ? true : undefined));
      assert.match(String(bugs), /^Error: a bug$/);
      assert.equal(await askOther(other), 'well');
    });
  }
});

describe('a bug on the way to the backend', () => {
  const OK = 'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const request = { method: 'GET', target: '/', fields: ['Host', 'b'], commonLines: '' };
  const body = { length: 0, deliverTo: (sink: { end(): void }) => sink.end() };

  for (const method of ['onInformational', 'onHead', 'write', 'end'] as const) {
    it(`in ${method}: the connection ends, and the next request has one of its own`, async (context) => {
      const backend = await startRawBackend(answerEach(OK));
      const bugs: unknown[] = [];
      const pool = createBackendPool({ ...backendOptions(backend.port), onBug: (error) => void bugs.push(error) });
      context.after(async () => {
        pool.close();
        await backend.close();
      });
      const sink = method === 'write' || method === 'end' ? sinkThatFails(method) : sinkThatFails('abort');
      const failures: unknown[] = [];
      const onFailure = (failure: BackendFailure, cause: Error | undefined): void => {
        failures.push([failure, cause?.message]);
      };
      const receiver = { onInformational: () => undefined, onHead: () => sink, onFailure };
      pool.send(request, body, { ...receiver, ...(method.startsWith('on') ? { [method]: fail } : {}) });
      await until('the bug to be told', () => (bugs.length > 0 ? true : undefined));
      await (await backend.connection(0)).closed;
      // Whoever has no answer yet hears that none comes, and nobody else: a client would wait for ever.
      const failure = ['backend_unavailable', 'a bug has ended the connection'];
      assert.deepEqual(failures, method.startsWith('on') ? [failure] : []);
      const headed = Promise.withResolvers<number>();
      pool.send(request, body, {
        onInformational: () => undefined,
        onHead: ({ status }) => {
          headed.resolve(status);
          return undefined;
        },
        onFailure: (failure) => headed.reject(new Error(failure)),
      });
      assert.equal(await headed.promise, 200);
      assert.match(String(bugs), /^Error: a bug$/);
    });
  }
});

describe('a bug as a request is sent on', () => {
  it('is thrown at the sender, and the connection that has begun it does not stay', async (context) => {
    const backend = await startRawBackend(answerEach('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
    const pool = createBackendPool(backendOptions(backend.port));
    context.after(async () => {
      pool.close();
      await backend.close();
    });
    const request = { method: 'POST', target: '/', fields: ['Host', 'b'], commonLines: '' };
    const first = new RecordedAnswer();
    pool.send(request, NO_BODY, first);
    await first.over;
    const broken = new RecordedAnswer();
    assert.throws(() => pool.send(request, { length: 5, deliverTo: fail }, broken), /a bug/);
    await (await backend.connection(0)).closed;
    assert.equal(broken.failure, undefined);
    assert.equal(backend.received.match(/POST/g)?.length, 1);
  });
});

describe('RFC 9112 §8: an answer that only the end delimits breaks off', () => {
  const breakOff = (exchange: Exchange): void => {
    const sink = exchange.respond(head(200));
    sink.write(Buffer.from('part'));
    setImmediate(() => sink.abort('backend_closed'));
  };

  it('over TLS: by a reset, since clients overlook that the alert close_notify is missing', async (context) => {
    const { server } = await startWire(context, breakOff, { tls: certificate });
    const client = await openRaw(server.port, { rejectUnauthorized: false, ALPNProtocols: ['http/1.0'] });
    await client.send('GET / HTTP/1.0\r\n\r\n');
    assert.equal(await client.closed, 'reset');
    await until('the server to have closed it', () => (server.connections === 0 ? true : undefined));
  });

  it('over a unix socket: closed, since there is no reset', async (context) => {
    const folder = createTempFolder('unix');
    context.after(() => folder.remove());
    const listenAddress: ListenAddress = { path: join(folder.path, 's') };
    const { closed } = await startWire(context, breakOff, { listen: listenAddress });
    const socket = connect(listenAddress.path);
    socket.write('GET / HTTP/1.0\r\n\r\n');
    await once(socket.resume(), 'close');
    assert.equal(await closed[0]?.promise, 'aborted');
  });
});
