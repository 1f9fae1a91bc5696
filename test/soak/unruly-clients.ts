/** Clients of a soak run that stop before there is a request, vanish behind one, or speak HTTP/1.0. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { CLIENT_HELLO } from '../support/client-hello.ts';
import { openFrames, openSocket, vanish } from '../support/doors.ts';
import { formatRequest } from '../support/obex.ts';
import { RawConnection } from '../support/raw-http.ts';
import { END_HEADERS, FRAME, fieldBlock, frame } from '../unit/wire/http2/fixture.ts';
import { ID_FIELD } from './backend.ts';
import {
  answered,
  authorize,
  type Client,
  closeAll,
  cut,
  LEFT,
  leave,
  pick,
  type Soak,
  watched,
  withConnection,
} from './clients.ts';

const asHttp10 = (text: string): string => text.replace('HTTP/1.1', 'HTTP/1.0');

const http10: Client = {
  name: 'HTTP/1.0, with keep-alive and without',
  count: 2,
  pauseMs: 20,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const target = pick(['/mcp/bytes?count=1000', '/mcp/events?count=2'], turn);
      const lines = [authorize(soak, turn), ...(turn % 4 < 2 ? [] : ['Connection: keep-alive'])];
      await client.send(asHttp10(formatRequest({ target, lines })));
      assert.equal((await client.readResponse()).status, 200);
      record(answered(200));
    }),
};

const http10Broken: Client = {
  name: 'HTTP/1.0, answers that break off',
  count: 1,
  pauseMs: 50,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      await client.send(asHttp10(formatRequest({ target: '/mcp/broken', lines: [authorize(soak, turn)] })));
      assert.equal((await client.readResponse()).status, 200);
      record(cut(200));
    }),
};

const halfClosed: Client = {
  name: 'clients that leave seconds after their FIN',
  count: 3,
  pauseMs: 20,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client, line) => {
      const { text, gone } = watched(soak, turn, { target: '/mcp/events?count=0' });
      client.socket.end(text);
      await client.readUntil('data: 1');
      await pause(1300);
      leave(line, turn);
      record(cut(200));
      await gone;
    }),
};

const pipelinesAndLeaves: Client = {
  name: 'clients that leave with 80 KB behind a request',
  count: 2,
  pauseMs: 50,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client, line) => {
      const { text, arrived, gone } = watched(soak, turn, { target: '/mcp/never' });
      const padding = formatRequest({ lines: [authorize(soak, turn), `X: ${'x'.repeat(8_000)}`] });
      void client.send(text + padding.repeat(10));
      await arrived;
      leave(line, turn);
      record(LEFT);
      await gone;
    }),
};

/** What a client says that never comes to a request, on the socket below TLS. */
const BEGINNINGS: readonly (string | Buffer)[] = ['', '', 'GET /mcp HTTP/1.1\r\nHost: 127'];
const TLS_BEGINNINGS: typeof BEGINNINGS = ['', '\x16', CLIENT_HELLO.subarray(0, 100), CLIENT_HELLO];

const withoutRequest = (name: string, beginnings: typeof BEGINNINGS): Client => ({
  name,
  count: 3,
  pauseMs: 10,
  async visit(soak, turn) {
    const door = { ...soak, opened: [] };
    const socket = await openSocket(door);
    const bytes = pick(beginnings, turn);
    if (bytes.length > 0) socket.write(bytes);
    if (turn % 2 === 0) vanish(socket);
    else socket.end();
    await new RawConnection(socket).closed;
    closeAll(door);
  },
});

const saysNothing: Client = {
  name: 'clients that connect and say nothing',
  count: 10,
  pauseMs: 0,
  async visit(soak) {
    const door = { ...soak, opened: [] };
    await new RawConnection(await openSocket(door)).closed;
    closeAll(door);
  },
};

const STREAMS = 20;

const vanishesWithStreams: Client = {
  name: `HTTP/2: clients that vanish with ${STREAMS} streams open`,
  count: 1,
  pauseMs: 50,
  async visit(soak, turn, record) {
    const door = { ...soak, opened: [] };
    const { client, reset } = await openFrames(door);
    const requests = Array.from({ length: STREAMS }, () => watched(soak, turn, {}));
    client.send(...requests.map(({ id }, index) => openStream(soak, turn, { id, stream: 2 * index + 1 })));
    await Promise.all(requests.map(({ arrived }) => arrived));
    if (turn % 2 === 0) reset();
    closeAll(door);
    for (const _ of requests) record(LEFT);
    await Promise.all(requests.map(({ gone }) => gone));
  },
};

function openStream(soak: Soak, turn: number, { id, stream }: { id: string; stream: number }): Buffer {
  const [, token = ''] = authorize(soak, turn).split(': ');
  const block = fieldBlock([
    [':method', 'POST'],
    [':scheme', 'https'],
    [':path', '/mcp/never'],
    [':authority', '127.0.0.1'],
    ['authorization', token],
    [ID_FIELD.toLowerCase(), id],
  ]);
  return frame(FRAME.headers, END_HEADERS, stream, block);
}

const UNRULY: readonly Client[] = [http10, http10Broken, halfClosed, pipelinesAndLeaves, saysNothing];

export const UNRULY_CLIENTS: readonly Client[] = [
  ...UNRULY,
  withoutRequest('connections without a request', BEGINNINGS),
];
export const UNRULY_TLS_CLIENTS: readonly Client[] = [
  ...UNRULY,
  withoutRequest('TLS handshakes not finished', TLS_BEGINNINGS),
];
export const UNRULY_HTTP2_CLIENTS: readonly Client[] = [vanishesWithStreams];
