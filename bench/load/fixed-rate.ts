/**
 * Program: sends requests at a fixed mean rate, whatever becomes of the earlier ones, and prints latency percentiles. The
 * gaps are exponential, as of independent clients. A request that finds all connections busy waits, and its wait counts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { percentile } from '../statistics.ts';
import { type Connection, openConnection } from './connection.ts';

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
/** When the request on each connection was due. */
const due = new Map<Connection, number>();
/** When each request that waits for a connection was due. */
const waiting: number[] = [];
let latencies: number[] = [];
let refused = 0;

async function open(): Promise<void> {
  idle.push(await openConnection(settings, onAnswer));
}

function send(connection: Connection, dueMs: number): void {
  due.set(connection, dueMs);
  connection.send(request);
}

function onAnswer(connection: Connection, isRefused: boolean): void {
  latencies.push(performance.now() - (due.get(connection) ?? Number.NaN));
  if (isRefused) refused += 1;
  const dueMs = waiting.shift();
  if (dueMs === undefined) idle.push(connection);
  else send(connection, dueMs);
}

function sendDue(dueMs: number): void {
  const connection = idle.shift();
  if (connection === undefined) waiting.push(dueMs);
  else send(connection, dueMs);
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
