/** Whatever a client does or leaves undone, what was accepted is closed and counted out: on each transport, in each state. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { Tally } from '../../../../src/lib/tally.ts';
import { createTicketKeys } from '../../../../src/state/ticket-keys.ts';
import type { Exchange, ListenAddress, WireServer } from '../../../../src/wire/exchange.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { RawConnection } from '../../../support/raw-http.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';
import { until } from '../../../support/until.ts';
import { FakeTiming, head, LIMITS, respondText } from '../../../support/wire-peers.ts';
import { startWire, type WireOptions } from '../../../support/wire-server.ts';

const SHORT = { readTimeoutMs: 200, bodyTimeoutMs: 300, writeTimeoutMs: 300, idleTimeoutMs: 200 };
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0';
/** Of a ClientHello that announces 512 bytes. */
const HALF_HELLO = '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03';

const certificate = createCertificate('localhost');

/** What a client does with its connection; it is held open until the server closes it, unless `leaves`. */
interface State {
  readonly bytes: string;
  readonly leaves?: 'end' | 'destroy' | 'resetAndDestroy';
}

const SILENCE: Readonly<Record<string, State>> = {
  'nothing is sent': { bytes: '' },
  'nothing is sent, then a FIN': { bytes: '', leaves: 'end' },
  'connect and close': { bytes: '', leaves: 'destroy' },
  'connect and reset': { bytes: '', leaves: 'resetAndDestroy' },
};

const HTTP: Readonly<Record<string, State>> = {
  ...SILENCE,
  'one byte': { bytes: 'G' },
  'half a head': { bytes: GET.slice(0, 20) },
  'half a head, then a FIN': { bytes: GET.slice(0, 20), leaves: 'end' },
  'half a body': { bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello' },
  'half a body, then a reset': {
    bytes: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello',
    leaves: 'resetAndDestroy',
  },
  'half a body over HTTP/1.0': { bytes: 'POST /delimited HTTP/1.0\r\nContent-Length: 10\r\n\r\nhello' },
  'idle after an answer': { bytes: GET },
  'a FIN behind the request': { bytes: GET, leaves: 'end' },
  'gone while the answer is waited for': { bytes: 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n', leaves: 'destroy' },
  'an answer that only the end delimits breaks off': { bytes: 'GET /delimited HTTP/1.0\r\n\r\n' },
  '64 KiB behind an answer that does not come, then gone': {
    bytes: `GET /never HTTP/1.1\r\nHost: a\r\n\r\n${GET.repeat(20_000)}`,
    leaves: 'destroy',
  },
};

const BEFORE_TLS: Readonly<Record<string, State>> = {
  ...SILENCE,
  'one byte': { bytes: '\x16' },
  'one byte, then gone': { bytes: '\x16', leaves: 'destroy' },
  'half a ClientHello': { bytes: HALF_HELLO },
  'half a ClientHello, then a FIN': { bytes: HALF_HELLO, leaves: 'end' },
  'half a ClientHello, then gone': { bytes: HALF_HELLO, leaves: 'destroy' },
  'half a ClientHello, then a reset': { bytes: HALF_HELLO, leaves: 'resetAndDestroy' },
  'what is not TLS': { bytes: '\0\0\0\0\0' },
  'what is not TLS behind a byte that is': { bytes: '\x16garbage\r\n\r\n' },
  'plain HTTP': { bytes: GET },
};

const HTTP2: Readonly<Record<string, State>> = {
  ...SILENCE,
  'one byte': { bytes: 'P' },
  'a preface, then idle': { bytes: PREFACE },
  'a preface, then a FIN': { bytes: PREFACE, leaves: 'end' },
};

/** Echoes nothing: some answers do not come, some break off. */
function answer(exchange: Exchange): void {
  const { target } = exchange.head;
  if (target === '/never') return;
  if (target !== '/delimited') return respondText(exchange, 'ok');
  const sink = exchange.respond(head(200));
  sink.write(Buffer.from('part'));
  exchange.body.deliverTo({
    onDrain: undefined,
    write: () => true,
    end: () => setImmediate(() => sink.abort('backend_closed')),
    abort: (failure) => sink.abort(failure),
  });
}

interface Listener {
  readonly server: WireServer;
  readonly refused: readonly string[];
  readonly tally: Tally;
  readonly target: NetConnectOpts;
}

async function listen(context: TestContext, transport: string, options: WireOptions = {}): Promise<Listener> {
  const tally = new Tally();
  const folder = createTempFolder('sockets');
  context.after(() => folder.remove());
  const path = join(folder.path, 's');
  const address: ListenAddress = transport === 'unix' ? { path } : { host: '127.0.0.1', port: 0 };
  const wire = await startWire(context, answer, {
    listen: address,
    tls: transport === 'tls' || transport === 'h2' ? certificate : undefined,
    limits: () => ({ ...LIMITS, ...SHORT }),
    connections: tally,
    ...options,
  });
  const { server } = wire;
  return {
    server,
    refused: wire.refused,
    tally,
    target: transport === 'unix' ? { path } : { host: '127.0.0.1', port: server.port },
  };
}

async function open(target: NetConnectOpts, alpn: string | undefined): Promise<Socket> {
  const socket = connect({ ...target, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (alpn === undefined) return socket;
  const secured = tlsConnect({ socket, rejectUnauthorized: false, ALPNProtocols: [alpn] });
  secured.on('error', () => undefined);
  secured.on('close', () => socket.destroy());
  await once(secured, 'secureConnect');
  return secured;
}

async function act(socket: Socket, { bytes, leaves }: State): Promise<void> {
  socket.on('data', () => undefined);
  if (bytes !== '') await new Promise((resolve) => socket.write(bytes, 'latin1', () => resolve(undefined)));
  if (leaves === 'resetAndDestroy' && !('encrypted' in socket) && socket.remoteFamily !== undefined) {
    socket.resetAndDestroy();
  } else if (leaves !== undefined) socket[leaves === 'end' ? 'end' : 'destroy']();
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

const KINDS: readonly (readonly [transport: string, alpn: string | undefined, Readonly<Record<string, State>>])[] = [
  ['tcp', undefined, HTTP],
  ['unix', undefined, HTTP],
  ['tls', undefined, BEFORE_TLS],
  ['tls', 'http/1.1', HTTP],
  ['h2', 'h2', HTTP2],
];

describe('every accepted socket has an owner with a deadline', { concurrency: true }, () => {
  for (const [transport, alpn, states] of KINDS) {
    const stage = transport === 'tls' && alpn === undefined ? 'tls, before its end of the handshake' : transport;
    for (const [name, state] of Object.entries(states)) {
      it(`${stage}: ${name}`, async (context) => {
        const { server, tally, target } = await listen(context, transport);
        const socket = await open(target, alpn);
        await act(socket, state);
        await until('the server to let go of it', () => (server.connections === 0 ? true : undefined), 15_000);
        assert.equal(tally.total, 0);
        socket.destroy();
      });
    }
  }
});

describe('descriptors', () => {
  it('are all given back, whatever was left in whichever state', async (context) => {
    const listeners = await Promise.all(
      KINDS.map(async ([transport, alpn, states]) => ({ ...(await listen(context, transport)), alpn, states })),
    );
    const before = openDescriptors();
    const sockets: Socket[] = [];
    for (const { target, alpn, states } of listeners) {
      for (const state of Object.values(states)) {
        const socket = await open(target, alpn);
        sockets.push(socket);
        await act(socket, state);
      }
    }
    for (const { server } of listeners) {
      await until('the server to let go of all', () => (server.connections === 0 ? true : undefined), 15_000);
    }
    for (const socket of sockets) socket.destroy();
    await until('descriptors', () => (openDescriptors() <= before ? true : undefined));
  });
});

describe('limits.max_connections', () => {
  const RESERVE = 32;
  const MAX = 2;

  for (const [transport, alpn] of [
    ['tcp', undefined],
    ['unix', undefined],
    ['tls', undefined],
    ['h2', 'h2'],
  ] as const) {
    it(`${transport}: beyond it and a reserve connections are closed at accept, those in the reserve soon`, async (context) => {
      const timing = new FakeTiming();
      const failures: unknown[] = [];
      const { server, tally, target } = await listen(context, transport, {
        limits: () => ({ ...LIMITS, maxConnections: MAX }),
        timing,
        watcher: { onAcceptFailure: (...failure) => void failures.push(failure) },
      });
      for (let count = 0; count < MAX + RESERVE; count += 1) await open(target, alpn);
      await until('all to be accepted', () => (server.connections === MAX + RESERVE ? true : undefined));
      const refused = connect({ ...target });
      await once(refused.on('error', () => undefined).resume(), 'close');
      assert.deepEqual(failures, [['max_connections', undefined]]);
      assert.equal(tally.total, MAX + RESERVE);
      timing.advance(1499);
      assert.equal(server.connections, MAX + RESERVE);
      timing.advance(1);
      await until('the reserve to be free', () => (server.connections === MAX ? true : undefined));
      assert.equal(tally.total, MAX);
    });
  }

  it('none is accepted that would find no file descriptor, and libuv would close without a word', async (context) => {
    const failures: unknown[] = [];
    let isLeft = false;
    const { server, target } = await listen(context, 'tcp', {
      hasDescriptors: () => isLeft,
      watcher: { onAcceptFailure: (...failure) => void failures.push(failure) },
    });
    const refused = connect({ ...target });
    await once(refused.on('error', () => undefined).resume(), 'close');
    assert.deepEqual([failures, server.connections], [[['descriptors', undefined]], 0]);
    isLeft = true;
    await open(target, undefined);
    await until('one to be accepted', () => (server.connections === 1 ? true : undefined));
  });
});

describe('the TLS port', () => {
  it('answers plain HTTP that it speaks https, and echoes nothing', async (context) => {
    const { target, refused } = await listen(context, 'tls');
    for (const request of [GET, 'POST /secret HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nsecret', 'GET']) {
      const client = new RawConnection(await open(target, undefined));
      await client.send(request);
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.values('Connection')], [400, ['close']]);
      assert.equal(response.body.toString(), 'https_required');
      client.socket.end();
      assert.equal(await client.closed, 'fin');
    }
    assert.deepEqual(refused, Array(3).fill('https_required: plain HTTP on a port that speaks https'));
  });

  it('tells why a handshake failed, and nothing of one that never began', async (context) => {
    const failures: unknown[] = [];
    const watcher = { onHandshakeFailure: (reason: string) => void failures.push(reason) };
    const { server, target } = await listen(context, 'tls', { watcher });
    const seen = async (reason: string): Promise<void> => {
      await until(`${reason} to be told`, () => (server.connections === 0 && failures.length > 0 ? true : undefined));
      assert.deepEqual(failures.splice(0), [reason]);
    };
    (await open(target, undefined)).destroy();
    await until('it to be closed', () => (server.connections === 0 ? true : undefined));
    await act(await open(target, undefined), { bytes: '' });
    await seen('timeout');
    await act(await open(target, undefined), { bytes: HALF_HELLO });
    await seen('timeout');
    await act(await open(target, undefined), { bytes: HALF_HELLO, leaves: 'destroy' });
    await seen('closed');
    await act(await open(target, undefined), { bytes: '\0' });
    await seen('not_tls');
    for (const [options, reason] of [
      [{ maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL:@SECLEVEL=0' }, 'protocol_version'],
      [{ maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }, 'no_shared_cipher'],
      [{ ALPNProtocols: ['ftp'] }, 'no_shared_protocol'],
    ] as const) {
      const client = tlsConnect({ ...target, rejectUnauthorized: false, ...options });
      await once(client, 'error');
      await seen(reason);
    }
    const address = `127.0.0.1:${server.port}`;
    const suspicious = spawn('openssl', ['s_client', '-connect', address, '-verify_return_error'], { stdio: 'ignore' });
    await once(suspicious, 'close');
    await seen('client_alert');
  });

  it('changes the keys of its tickets when it is given others: what was sealed with the old ones is not opened', async (context) => {
    let keys = createTicketKeys();
    const { target } = await listen(context, 'tls', { ticketKeys: () => keys, limits: () => LIMITS });
    const handshake = async (session?: Buffer) => {
      const client = tlsConnect({ ...target, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'], session });
      const ticket = once(client, 'session');
      client.resume();
      await once(client, 'secureConnect');
      const isReused = client.isSessionReused();
      const [next] = isReused ? [session] : await ticket;
      client.destroy();
      return { next, isReused };
    };
    const first = await handshake();
    const second = await handshake(first.next);
    keys = createTicketKeys();
    const third = await handshake(first.next);
    const fourth = await handshake(third.next);
    assert.deepEqual([second.isReused, third.isReused, fourth.isReused], [true, false, true]);
  });
});
