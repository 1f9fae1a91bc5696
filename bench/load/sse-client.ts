/**
 * Program: opens many event streams and measures how old each event is on arrival. Prints `{"opened":N}` when every stream
 * has its head; on the line "measure" it begins to count, on "stop" it prints the result.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { percentile } from '../statistics.ts';

const Settings = z.object({ host: z.string(), port: z.int(), request: z.string(), streams: z.int() });

const settings = Settings.parse(JSON.parse(process.argv[2] ?? ''));
const request = Buffer.from(settings.request, 'latin1');
/** How many streams are being opened at a time. */
const OPENING = 32;

let ages: number[] = [];
let broken = 0;

/** Resolves when the head has arrived; events are counted from then on. */
function openStream(): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host: settings.host, port: settings.port, noDelay: true }, () => socket.write(request));
  let head = '';
  let rest = '';
  const onEvents = (chunk: Buffer): void => {
    const now = process.hrtime.bigint();
    rest += chunk.toString('latin1');
    const end = rest.lastIndexOf('\n\n');
    if (end < 0) return;
    for (const [, stamp = '0'] of rest.slice(0, end + 2).matchAll(/data: (\d+)\n\n/g))
      ages.push(Number(now - BigInt(stamp)) / 1000);
    rest = rest.slice(end + 2);
  };
  const onHead = (chunk: Buffer): void => {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', onHead).on('data', onEvents);
    if (head.startsWith('HTTP/1.1 200')) resolve();
    else reject(new Error(`a stream was refused: ${head}`));
  };
  socket.on('data', onHead);
  socket.on('error', reject);
  socket.on('close', () => (broken += 1));
  return promise;
}

async function openSome(count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += 1) await openStream();
}

const share = Math.ceil(settings.streams / OPENING);
const shares = Array.from({ length: OPENING }, (_, index) =>
  Math.max(0, Math.min(share, settings.streams - index * share)),
);
await Promise.all(shares.map(openSome));
console.log(JSON.stringify({ opened: settings.streams }));

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'measure') ages = [];
  else break;
}
console.log(
  JSON.stringify({ events: ages.length, broken, p50Micros: percentile(ages, 0.5), p99Micros: percentile(ages, 0.99) }),
);
process.exit(0);
