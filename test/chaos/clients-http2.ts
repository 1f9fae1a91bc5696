/** Clients of HTTP/2 that know frames, and what harm they can do. RFC 9113 §10.5, CVE-2023-44487, CVE-2024-27316. */
import type { Duplex } from 'node:stream';
import { type FrameLine, openFrames, openSilentHttp2 } from '../support/doors.ts';
import type { RawClient } from '../support/raw-http.ts';
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  type FrameClient,
  fieldBlock,
  frame,
  uint32,
} from '../unit/wire/http2/fixture.ts';
import { FINE, HUGE, IDLE_EVENTS, SILENT } from './behaviours.ts';
import type { Client, Visit } from './visit.ts';

const CANCEL = uint32(8);
const NO_ERROR = uint32(0);
/** SETTINGS_INITIAL_WINDOW_SIZE (§6.5.2). */
const window = (bytes: number): Buffer =>
  frame(FRAME.settings, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]));
const nthStream = (index: number): number => 2 * index + 1;

function askOn(visit: Visit, stream: number, method: 'GET' | 'POST' = 'GET'): Buffer {
  const { target, token } = visit.ask({ method });
  const block = fieldBlock([
    [':method', method],
    [':scheme', 'https'],
    [':path', target],
    [':authority', '127.0.0.1'],
    ['authorization', `Bearer ${token}`],
  ]);
  return frame(FRAME.headers, END_HEADERS | (method === 'GET' ? END_STREAM : 0), stream, block);
}

function askMany(visit: Visit, count: number, method?: 'GET' | 'POST'): Buffer[] {
  return Array.from({ length: count }, (_, index) => askOn(visit, nthStream(index), method));
}

const speaks = (name: string, act: (visit: Visit, line: FrameLine) => Promise<void>): Client => ({
  name: `HTTP/2: ${name}`,
  over: ['h2'],
  visit: async (visit) => act(visit, await openFrames(visit.door)),
});

/** Sends something that a server must not stand for. */
const provokes = (name: string, frames: (visit: Visit) => readonly Uint8Array[]): Client =>
  speaks(name, async (visit, { client }) => {
    client.send(...frames(visit));
    await client.untilEnd();
  });

const closesWindow = speaks('window 0, thirty requests', async (visit, { client, reset }) => {
  client.send(window(0), ...askMany(visit, 30));
  await visit.dwell(2500);
  leave(visit, { client, reset });
});

function leave(visit: Visit, { client, reset }: FrameLine): void {
  if (visit.random.below(2) === 0) reset();
  else client.socket.destroy();
}

const resetsRapidly = provokes('150 rapid resets', (visit) =>
  askMany(visit, 150).flatMap((head, index) => [head, frame(FRAME.reset, 0, nthStream(index), CANCEL)]),
);

const leavesStreamsOpen: Client = {
  ...speaks('streams opened and left', async (visit, { client }) => {
    client.send(...askMany(visit, 20, 'POST'));
    // Their bodies have deadlines.
    for (let index = 0; index < 20; index += 1) await client.endOf(nthStream(index));
  }),
  behaviours: [FINE, SILENT, IDLE_EVENTS],
};

const vanishesWithStreams = speaks('gone with streams open', async (visit, line) => {
  line.client.send(...askMany(visit, 20, visit.random.pick(['GET', 'POST'])));
  await visit.dwell(200);
  leave(visit, line);
});

const saysGoaway: Client = {
  ...speaks('GOAWAY, then silence', async (visit, { client }) => {
    client.send(...askMany(visit, 3), frame(FRAME.goaway, 0, 0, Buffer.concat([uint32(0), NO_ERROR])));
    await client.untilEnd();
  }),
  behaviours: [FINE, SILENT],
};

const lies = speaks('a body that is longer, or shorter, than it was said', async (visit, { client }) => {
  const length = fieldBlock([['content-length', '5']]);
  const [head = Buffer.alloc(0)] = askMany(visit, 1, 'POST');
  // The block of fields begins behind the frame's head of nine bytes.
  const announced = frame(FRAME.headers, END_HEADERS, 1, Buffer.concat([head.subarray(9), length]));
  client.send(announced, frame(FRAME.data, END_STREAM, 1, Buffer.alloc(visit.random.pick([3, 7]))));
  await client.endOf(1);
});

const stopsReading: Client = {
  ...speaks('stops reading an answer without bound', async (visit, line) => {
    line.client.send(window(2 ** 30), frame(FRAME.window, 0, 0, uint32(2 ** 30)), askOn(visit, 1));
    await line.client.first(({ type }) => type === FRAME.data);
    line.client.socket.pause();
    await visit.dwell(2500);
    leave(visit, line);
  }),
  behaviours: [HUGE],
};

/** A head that goes on and on (CVE-2024-27316). */
const continues = provokes('CONTINUATION without end', (visit) => {
  const block = fieldBlock([[':method', 'GET']]);
  const more = Array.from({ length: 30 }, () => frame(FRAME.continuation, 0, 1, fieldBlock([['x', visit.way]])));
  return [frame(FRAME.headers, 0, 1, block), ...more];
});

const floods: readonly Client[] = [
  provokes('1500 PINGs', () => Array.from({ length: 1500 }, () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)))),
  provokes('1500 SETTINGS', () => Array.from({ length: 1500 }, () => frame(FRAME.settings, 0, 0))),
  provokes('DATA on no stream', () => [frame(FRAME.data, 0, 0, Buffer.alloc(10))]),
  provokes('a window that overflows', () => [frame(FRAME.window, 0, 0, uint32(2 ** 31 - 1))]),
  provokes('a frame too large', () => [frame(FRAME.data, 0, 1, Buffer.alloc(100_000))]),
];

const says = (name: string, act: (client: RawClient<Duplex>) => Promise<void>): Client => ({
  name: `HTTP/2: ${name}`,
  over: ['h2'],
  visit: async (visit) => act(await openSilentHttp2(visit.door)),
});

const beginnings: readonly Client[] = [
  '',
  'PRI * HT',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'GET / HTTP/1.1\r\n\r\n',
].map((bytes) =>
  says(`${JSON.stringify(bytes.slice(0, 14))}, then silence`, async (client) => {
    if (bytes !== '') await client.send(bytes);
    await client.closed;
  }),
);

const quiet = speaks('a preface, then silence', (_visit, { client }: { client: FrameClient }) => client.untilEnd());

export const HTTP2_CLIENTS: readonly Client[] = [
  closesWindow,
  resetsRapidly,
  leavesStreamsOpen,
  vanishesWithStreams,
  saysGoaway,
  lies,
  stopsReading,
  continues,
  ...floods,
  ...beginnings,
  quiet,
];
