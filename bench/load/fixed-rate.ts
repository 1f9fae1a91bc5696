/**
 * Program: sends requests at a fixed mean rate, whatever becomes of the earlier ones, and prints latency percentiles. The
 * gaps are exponential, as of independent clients. A request that finds all connections busy waits, and its wait counts.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { percentile } from '../statistics.ts';

const Settings = z.object({
  host: z.string(),
  port: z.int(),
  /** The whole request, as bytes go out. */
  request: z.string(),
  rate: z.number(),
  connections: z.int(),
  warmUpSeconds: z.number(),
  seconds: z.number(),
});

const settings = Settings.parse(JSON.parse(process.argv[2] ?? ''));
const request = Buffer.from(settings.request, 'latin1');
const idle: Connection[] = [];
/** When each request that waits for a connection was due. */
const waiting: number[] = [];
let latencies: number[] = [];
let refused = 0;

/** One keep-alive connection with at most one request on it. */
class Connection {
  readonly #socket: Socket;
  #startedMs = 0;
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('close', () => {
      throw new Error('the server closed a connection');
    });
  }

  send(dueMs: number): void {
    this.#startedMs = dueMs;
    this.#socket.write(request);
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd < 0) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(length)) throw new Error(`the answer has no Content-Length: ${head}`);
    if (this.#received.length < headEnd + 4 + length) return;
    latencies.push(performance.now() - this.#startedMs);
    if (!head.startsWith('HTTP/1.1 200')) refused += 1;
    this.#received = Buffer.alloc(0);
    const dueMs = waiting.shift();
    if (dueMs === undefined) idle.push(this);
    else this.send(dueMs);
  }
}

async function open(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host: settings.host, port: settings.port }, resolve);
  socket.once('error', reject);
  await promise;
  idle.push(new Connection(socket));
}

function sendDue(dueMs: number): void {
  const connection = idle.shift();
  if (connection === undefined) waiting.push(dueMs);
  else connection.send(dueMs);
}

async function offerLoad(seconds: number): Promise<void> {
  const gapMs = 1000 / settings.rate;
  const endMs = performance.now() + seconds * 1000;
  let nextMs = performance.now();
  while (nextMs < endMs) {
    // Timers have a grain of 1 ms: what fell due meanwhile goes out now and counts from now.
    const nowMs = performance.now();
    for (; nextMs <= nowMs; nextMs -= gapMs * Math.log(1 - Math.random())) sendDue(nowMs);
    await pause(1);
  }
}

for (let opened = 0; opened < settings.connections; opened += 1) await open();
await offerLoad(settings.warmUpSeconds);
latencies = [];
refused = 0;
await offerLoad(settings.seconds);
const micros = (share: number): number => percentile(latencies, share) * 1000;
console.log(JSON.stringify({ requests: latencies.length, refused, p50Micros: micros(0.5), p99Micros: micros(0.99) }));
process.exit(0);
