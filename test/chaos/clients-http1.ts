/** Clients of HTTP/1.1 and 1.0 that ask well, stop, vanish or lie; those that say only what HTTP/2 can say too come over it as well. */
import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Line, Way } from '../support/doors.ts';
import { FINE, HUGE, SLOW_BYTES } from './behaviours.ts';
import type { AskOptions, Client, Visit } from './visit.ts';

const EVERY: readonly Way[] = ['plain', 'tls', 'unix', 'h2'];
const HTTP1: readonly Way[] = ['plain', 'tls', 'unix'];

type Leaving = 'FIN' | 'reset' | 'destroy';

function leave(line: Line, how: Leaving): void {
  if (how === 'reset') line.reset();
  else if (how === 'FIN') line.client.socket.end();
  else line.client.destroy();
}

/** A GET that may wait for its first event as long as it likes, or any request. */
const patiently = (visit: Visit): AskOptions =>
  visit.random.pick([{ lines: ['Accept: text/event-stream'] }, {}, { method: 'POST', body: '{}' }]);

/** Asks and waits to the end, whatever comes. */
const asks = (name: string, over: readonly Way[], options: (visit: Visit) => AskOptions): Client => ({
  name,
  over,
  async visit(visit) {
    const { client } = await visit.connect();
    const asked = visit.ask(options(visit));
    await client.send(asked.text);
    await visit.read(client, asked);
  },
});

const keepsAlive: Client = {
  name: 'asks six times on one connection',
  over: HTTP1,
  async visit(visit) {
    const { client } = await visit.connect();
    for (let round = 0; round < 6; round += 1) {
      const asked = visit.ask(round % 2 === 0 ? { behaviour: FINE } : {});
      await client.send(asked.text);
      const response = await visit.read(client, asked);
      if (response === undefined || response.values('connection').includes('close')) return;
    }
  },
};

const uploads: Client = {
  name: 'uploads a megabyte, by length or in chunks',
  over: EVERY,
  async visit(visit) {
    const { client } = await visit.connect();
    const isChunked = visit.random.below(2) === 0;
    const piece = 'x'.repeat(50_000);
    const line = isChunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 1000000';
    const asked = visit.ask({ method: 'POST', lines: [line] });
    const answer = visit.read(client, asked);
    // It may be there before the body is.
    void client.send(asked.text);
    for (let sent = 0; sent < 20; sent += 1) void client.send(isChunked ? `c350\r\n${piece}\r\n` : piece);
    if (isChunked) void client.send('0\r\n\r\n');
    await answer;
  },
};

const waitsForTheEnd = (name: string, bytes: string): Client => ({
  name,
  over: HTTP1,
  async visit(visit) {
    const { client } = await visit.connect();
    if (bytes !== '') await client.send(bytes);
    await client.closed;
  },
});

const leavesBehind = (name: string, over: readonly Way[], bytes: string): Client => ({
  name,
  over,
  async visit(visit) {
    const line = await visit.connect();
    if (bytes !== '') await line.client.send(bytes);
    await visit.dwell(5);
    leave(line, visit.random.pick(['FIN', 'reset', 'destroy']));
    await line.client.closed;
  },
});

/** A body that never becomes whole. */
const BROKEN_BODIES: readonly (readonly [line: string, part: string])[] = [
  ['Content-Length: 10', 'hello'],
  ['Content-Length: 100000', 'x'.repeat(70_000)],
  ['Content-Length: 10', ''],
  ['Transfer-Encoding: chunked', '5\r\nhel'],
  ['Transfer-Encoding: chunked', '5\r\nhello\r\n'],
];

const brokenBody = (how: Leaving | 'silence'): Client => ({
  name: `a body that is not finished, then ${how}`,
  over: how === 'silence' ? EVERY : HTTP1,
  async visit(visit) {
    const line = await visit.connect();
    const [framing, part] = visit.random.pick(BROKEN_BODIES);
    const asked = visit.ask({ method: 'POST', lines: [framing] });
    await line.client.send(asked.text + part);
    if (how === 'silence') return visit.glance(line.client, asked);
    await visit.dwell(20);
    leave(line, how);
    await line.client.closed;
  },
});

const badChunk: Client = {
  name: 'a chunk size that is none',
  over: HTTP1,
  async visit(visit) {
    const { client } = await visit.connect();
    const asked = visit.ask({ method: 'POST', lines: ['Transfer-Encoding: chunked'] });
    await client.send(`${asked.text}5\r\nhello\r\nzz\r\n`);
    await visit.glance(client, asked);
  },
};

const expectsContinue: Client = {
  name: 'Expect: 100-continue, and no body',
  over: HTTP1,
  async visit(visit) {
    const line = await visit.connect();
    const asked = visit.ask({ method: 'POST', lines: ['Expect: 100-continue', 'Content-Length: 100'] });
    await line.client.send(asked.text);
    if (visit.random.below(2) === 0) return visit.glance(line.client, asked);
    await visit.dwell(50);
    leave(line, visit.random.pick(['reset', 'destroy']));
  },
};

const slowUpload: Client = {
  name: 'a body byte by byte, then gone',
  over: EVERY,
  async visit(visit) {
    const line = await visit.connect();
    const asked = visit.ask({ method: 'POST', lines: ['Content-Length: 100'] });
    void line.client.send(asked.text);
    for (let sent = 0; sent < 8; sent += 1) {
      void line.client.send('x');
      await pause(80);
    }
    leave(line, visit.random.pick(['reset', 'destroy']));
  },
};

const http10WithoutReading: Client = {
  name: 'HTTP/1.0, reads nothing, then gone',
  over: HTTP1,
  async visit(visit) {
    const line = await visit.connect();
    line.client.socket.pause();
    const lines = visit.random.pick([[], ['Connection: keep-alive'], ['Accept: text/event-stream']]);
    await line.client.send(visit.ask({ version: '1.0', lines }).text);
    await visit.dwell(1500);
    leave(line, visit.random.pick(['reset', 'destroy']));
  },
};

const http10Body: Client = {
  name: 'HTTP/1.0, ten bytes announced and five sent',
  over: HTTP1,
  async visit(visit) {
    const { client } = await visit.connect();
    const asked = visit.ask({ method: 'POST', version: '1.0', lines: ['Content-Length: 10'] });
    await client.send(`${asked.text}hello`);
    await visit.glance(client, asked);
  },
};

const pipelines: Client = {
  name: 'more than 64 KiB behind an answer that is waited for, then gone',
  over: HTTP1,
  async visit(visit) {
    const line = await visit.connect();
    const padding = [`X-Padding: ${'x'.repeat(8000)}`];
    const texts = Array.from({ length: 14 }, () => {
      const { lines = [], ...options } = patiently(visit);
      return visit.ask({ ...options, lines: [...lines, ...padding] }).text;
    });
    void line.client.send(texts.join(''));
    await visit.dwell(100);
    leave(line, visit.random.pick(['reset', 'destroy', 'FIN']));
    await visit.dwell(1500);
  },
};

const halfCloses: Client = {
  name: 'FIN behind the request, gone 1.3 s later',
  over: HTTP1,
  async visit(visit) {
    const line = await visit.connect();
    line.client.socket.end(visit.ask(patiently(visit)).text);
    await pause(1300);
    leave(line, visit.random.pick(['reset', 'destroy']));
  },
};

const stopsReading: Client = {
  name: 'stops reading an answer without bound',
  over: EVERY,
  behaviours: [HUGE],
  async visit(visit) {
    const line = await visit.connect();
    const asked = visit.ask();
    await line.client.send(asked.text);
    await line.client.readUntil('xxx');
    line.client.socket.pause();
    visit.saw(asked, 200);
    await visit.dwell(2500);
    leave(line, visit.random.pick(['reset', 'destroy']));
  },
};

const readsSlowly: Client = {
  name: 'reads a large answer with pauses',
  over: HTTP1,
  async visit(visit) {
    const { client } = await visit.connect();
    client.socket.on('data', () => {
      client.socket.pause();
      setTimeout(() => client.socket.resume(), 3);
    });
    const asked = visit.ask();
    await client.send(asked.text);
    const response = await visit.read(client, asked);
    if (visit.behaviour.name === 'large answer') assert.equal(response?.body.length, SLOW_BYTES);
  },
};

const leavesWithin: Client = {
  name: 'leaves behind the head of the answer',
  over: EVERY,
  async visit(visit) {
    const line = await visit.connect();
    const asked = visit.ask();
    await line.client.send(asked.text);
    await visit.glance(line.client, asked);
    leave(line, visit.random.pick(['reset', 'destroy']));
  },
};

const leavesBefore: Client = {
  name: 'leaves before the answer',
  over: EVERY,
  async visit(visit) {
    const line = await visit.connect();
    await line.client.send(visit.ask(patiently(visit)).text);
    await visit.dwell(30);
    leave(line, visit.random.pick(['reset', 'destroy']));
  },
};

const isRefused: Client = {
  name: 'is refused again and again',
  over: HTTP1,
  behaviours: [FINE],
  async visit(visit) {
    const { client } = await visit.connect();
    const token = visit.random.pick([visit.tokens.expired, visit.tokens.forElsewhere, 'garbage']);
    for (let round = 0; round < 40; round += 1) {
      const asked = visit.ask({ method: 'POST', token, body: 'x'.repeat(visit.random.below(3000)) });
      await client.send(asked.text);
      const { status } = await client.readResponse();
      visit.saw(asked, status, true);
      assert.ok([401, 429].includes(status), `answered ${status}`);
    }
  },
};

const HALF_A_HEAD = 'POST /mcp/half HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthor';

export const HTTP1_CLIENTS: readonly Client[] = [
  asks('asks', EVERY, () => ({})),
  asks('posts', EVERY, () => ({ method: 'POST', body: '{}' })),
  asks('HTTP/1.0', HTTP1, () => ({ version: '1.0' })),
  asks('HTTP/1.0 with keep-alive', HTTP1, () => ({ version: '1.0', lines: ['Connection: keep-alive'] })),
  keepsAlive,
  uploads,
  waitsForTheEnd('connects and says nothing', ''),
  waitsForTheEnd('one byte, then silence', 'G'),
  waitsForTheEnd('half a head, then silence', HALF_A_HEAD),
  leavesBehind('connects and leaves', EVERY, ''),
  leavesBehind('one byte, then gone', HTTP1, 'G'),
  leavesBehind('half a head, then gone', HTTP1, HALF_A_HEAD),
  leavesBehind('no HTTP, then gone', HTTP1, 'SSH-2.0-OpenSSH_9.6\r\n'),
  brokenBody('silence'),
  brokenBody('FIN'),
  brokenBody('reset'),
  badChunk,
  expectsContinue,
  slowUpload,
  http10WithoutReading,
  http10Body,
  pipelines,
  halfCloses,
  stopsReading,
  readsSlowly,
  leavesWithin,
  leavesBefore,
  isRefused,
];
