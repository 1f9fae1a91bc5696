/** The clients of a soak run. Each visits Obex once, knows for certain how its exchange ended, and writes that down. */
import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type Door, type Line, openLine, type Way } from '../support/doors.ts';
import { bearer, formatRequest, type RequestText, sendOn } from '../support/obex.ts';
import type { RawClient } from '../support/raw-http.ts';
import { BIG_BYTES, HUGE_BYTES, ID_FIELD, type SoakBackend } from './backend.ts';
import type { Ending } from './books.ts';

export interface Soak {
  readonly way: Way;
  readonly address: Door['address'];
  readonly tls: Door['tls'];
  readonly backend: SoakBackend;
  /** Accepted tokens, many more than one. */
  readonly tokens: readonly string[];
  /** Refused ones, with the statuses that they may get. */
  readonly refused: readonly (readonly [token: string, ...statuses: readonly number[]])[];
  /** How long a quiet stream says nothing. */
  readonly quietMs: number;
}

export interface Client {
  readonly name: string;
  /** How many run side by side. */
  readonly count: number;
  readonly pauseMs: number;
  /** `turn` counts the visits of all clients of the kind; `record` is called for each exchange. */
  visit(soak: Soak, turn: number, record: (ending: Ending) => void): Promise<void>;
}

export function pick<T>(values: readonly T[], turn: number): T {
  const value = values[turn % values.length];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

export const authorize = ({ tokens }: Soak, turn: number): string => bearer(pick(tokens, turn));
export const answered = (status: number): Ending => ({ kind: 'answered', status });
export const cut = (status: number): Ending => ({ kind: 'cut', status });
export const LEFT: Ending = { kind: 'left' };

/** A connection that is closed when it has been used. */
export async function withConnection(
  soak: Soak,
  use: (client: RawClient<Duplex>, line: Line) => Promise<void>,
): Promise<void> {
  const door = { ...soak, opened: [] };
  try {
    const line = await openLine(door, soak.way);
    await use(line.client, line);
  } finally {
    closeAll(door);
  }
}

export function closeAll({ opened }: Door): void {
  for (const each of opened) each.destroy();
}

/** Gone, one way or the other. */
export function leave(line: Line, turn: number): void {
  if (turn % 4 < 2) line.client.destroy();
  else line.reset();
}

let nextId = 0;

/** A request that the backend tells of. */
export function watched(soak: Soak, turn: number, request: RequestText) {
  nextId += 1;
  const id = String(nextId);
  const lines = [authorize(soak, turn), `${ID_FIELD}: ${id}`, ...(request.lines ?? [])];
  return { id, text: formatRequest({ ...request, lines }), ...soak.backend.watch(id) };
}

const jsonRpc: Client = {
  name: 'JSON POSTs, keep-alive, by length and chunked',
  count: 8,
  pauseMs: 0,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      for (let round = 0; round < 200; round += 1) {
        const body = 'x'.repeat(pick([300, 300, 300, 3_000, 60_000], round));
        const lines = [authorize(soak, turn + round)];
        if (round % 4 !== 0) await client.send(formatRequest({ method: 'POST', lines, body }));
        else {
          const chunked = formatRequest({ method: 'POST', lines: [...lines, 'Transfer-Encoding: chunked'] });
          await client.send(`${chunked}${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
        }
        const response = await client.readResponse();
        assert.deepEqual([response.status, response.body.toString()], [200, `{"received":${body.length}}`]);
        record(answered(200));
        await pause(3);
      }
    }),
};

const pipelined: Client = {
  name: 'pipelined requests before a FIN',
  count: 1,
  pauseMs: 100,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      client.socket.allowHalfOpen = true;
      const requests = Array.from({ length: 5 }, () =>
        formatRequest({ method: 'POST', lines: [authorize(soak, turn)], body: 'x' }),
      );
      client.socket.end(requests.join(''));
      for (const _ of requests) {
        assert.equal((await client.readResponse()).status, 200);
        record(answered(200));
      }
      assert.equal(await client.closed, 'fin');
    }),
};

const refusedTokens: Client = {
  name: 'refused tokens, bodies unread',
  count: 2,
  pauseMs: 20,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      for (const [token, ...statuses] of soak.refused) {
        const lines = token === '' ? [] : [bearer(token)];
        const response = await sendOn(client, { method: 'POST', lines, body: 'x'.repeat(turn % 5_000) });
        assert.ok(statuses.includes(response.status), `answered ${response.status}`);
        record(answered(response.status));
      }
    }),
};

const HOST = 'Host: 127.0.0.1\r\n';
const MALFORMED: readonly (readonly [bytes: string, status: number])[] = [
  ['\x16\x03\x01\x02\0', 400],
  ['GET / HTTP/1.1\r\n\r\n', 400],
  [`GET /#x HTTP/1.1\r\n${HOST}\r\n`, 400],
  [`POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n`, 400],
  [`GET / HTTP/1.1\r\n${HOST}X : y\r\n\r\n`, 400],
  [`GET /${'x'.repeat(9_000)} HTTP/1.1\r\n${HOST}\r\n`, 414],
  [`GET / HTTP/1.1\r\n${HOST}X: ${'x'.repeat(17_000)}\r\n\r\n`, 431],
  // Never finished: the head timeout.
  ['GET / HT', 408],
];

const badRequests: Client = {
  name: 'bad requests',
  count: 2,
  pauseMs: 30,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const [bytes, status] = pick(MALFORMED, turn);
      await client.send(bytes);
      assert.equal((await client.readResponse()).status, status);
      record({ kind: 'refused', status });
      assert.equal((await client.readToEnd()).length, 0);
    }),
};

const badBodies: Client = {
  name: 'bodies too large, broken or stalled',
  count: 3,
  pauseMs: 50,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const post = (line: string): string => formatRequest({ method: 'POST', lines: [authorize(soak, turn), line] });
      const [bytes, status] = pick(
        [
          [post('Content-Length: 4000001'), 413],
          [`${post('Transfer-Encoding: chunked')}3d0901\r\nx`, 413],
          [`${post('Transfer-Encoding: chunked')}1\r\nx\r\nzz\r\n`, 400],
          [`${post('Content-Length: 1000')}x`, 408],
        ] as const,
        turn,
      );
      await client.send(bytes);
      assert.equal((await client.readResponse()).status, status);
      record(answered(status));
      assert.equal((await client.readToEnd()).length, 0);
    }),
};

const streams: Client = {
  name: 'event streams, read to their end',
  count: 20,
  pauseMs: 0,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const count = 5 + (turn % 40);
      await client.send(formatRequest({ target: `/mcp/events?count=${count}`, lines: [authorize(soak, turn)] }));
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.complete], [200, true]);
      assert.equal(response.body.toString().split('\n\n').length - 1, count);
      record(answered(200));
    }),
};

const quietStreams: Client = {
  name: 'event streams, quiet most of the run',
  count: 20,
  pauseMs: 0,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const target = `/mcp/quiet?ms=${soak.quietMs}`;
      await client.send(formatRequest({ target, lines: [authorize(soak, turn)] }));
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.body.toString()], [200, 'data: at last\n\n']);
      record(answered(200));
    }),
};

const leavesStream: Client = {
  name: 'clients that leave within a stream',
  count: 4,
  pauseMs: 20,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client, line) => {
      const { text, gone } = watched(soak, turn, { target: '/mcp/events?count=0' });
      await client.send(text);
      await client.readUntil(turn % 2 === 0 ? 'data: 1' : '\r\n\r\n');
      leave(line, turn);
      record(cut(200));
      await gone;
    }),
};

const leavesDownload: Client = {
  name: 'clients that leave within a large answer',
  count: 2,
  pauseMs: 50,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const { text, gone } = watched(soak, turn, { target: `/mcp/bytes?count=${HUGE_BYTES}` });
      await client.send(text);
      await client.readUntil('xxx');
      client.destroy();
      record(cut(200));
      await gone;
    }),
};

const leavesUpload: Client = {
  name: 'clients that leave within an upload, or before the answer',
  count: 4,
  pauseMs: 20,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client, line) => {
      const lines = [turn % 2 === 0 ? 'Content-Length: 100000' : 'Transfer-Encoding: chunked'];
      const request = turn % 3 === 0 ? { body: '{}' } : { lines };
      const { text, arrived, gone } = watched(soak, turn, { method: 'POST', target: '/mcp/never', ...request });
      await client.send(text);
      if (turn % 3 === 1) await client.send('1\r\nx\r\n');
      await arrived;
      leave(line, turn);
      record(LEFT);
      await gone;
    }),
};

const slowReaders: Client = {
  name: 'slow readers of a large answer',
  count: 4,
  pauseMs: 0,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const target = `/mcp/bytes?count=${BIG_BYTES}`;
      client.socket.on('data', () => {
        client.socket.pause();
        setTimeout(() => client.socket.resume(), 30);
      });
      await client.send(formatRequest({ target, lines: [authorize(soak, turn)] }));
      assert.equal((await client.readResponse()).body.length, BIG_BYTES);
      record(answered(200));
    }),
};

const stalledReaders: Client = {
  name: 'clients that stop reading, cut by write_timeout',
  count: 2,
  pauseMs: 0,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const { text, gone } = watched(soak, turn, { target: `/mcp/bytes?count=${HUGE_BYTES}` });
      client.socket.pause();
      await client.send(text);
      await gone;
      client.socket.resume();
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.complete], [200, false]);
      record(cut(200));
    }),
};

const slowUploads: Client = {
  name: 'slow uploads',
  count: 4,
  pauseMs: 0,
  visit: (soak, turn, record) =>
    withConnection(soak, async (client) => {
      const lines = [authorize(soak, turn), 'Content-Length: 100000'];
      await client.send(formatRequest({ method: 'POST', lines }));
      for (let piece = 0; piece < 100; piece += 1) {
        await pause(40);
        await client.send('x'.repeat(1_000));
      }
      const response = await client.readResponse();
      assert.deepEqual([response.status, response.body.toString()], [200, '{"received":100000}']);
      record(answered(200));
    }),
};

/** Over plain TCP. */
export const CLIENTS: readonly Client[] = [
  jsonRpc,
  pipelined,
  refusedTokens,
  badRequests,
  badBodies,
  streams,
  quietStreams,
  leavesStream,
  leavesDownload,
  leavesUpload,
  slowReaders,
  stalledReaders,
  slowUploads,
];

/** Over TLS. */
export const TLS_CLIENTS: readonly Client[] = [
  jsonRpc,
  pipelined,
  badBodies,
  streams,
  leavesStream,
  leavesDownload,
  leavesUpload,
  slowReaders,
  stalledReaders,
];

/** Over HTTP/2: those that say what it can say, and do not wait for the end of the connection. */
export const HTTP2_CLIENTS: readonly Client[] = [
  jsonRpc,
  refusedTokens,
  streams,
  leavesStream,
  leavesUpload,
  slowUploads,
];
