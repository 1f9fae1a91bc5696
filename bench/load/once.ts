/** Program: sends each of many requests once, as fast as they are answered, since a proof is good for one. RFC 9449 §11.1. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Connection, openConnection } from './connection.ts';
import { formatBoundRequest } from './raw-request.ts';

const Settings = z.object({
  origin: z.string(),
  connections: z.int(),
  /** Lines of token and proof. */
  file: z.string(),
  /** Lines to skip, and to take then. */
  from: z.int(),
  count: z.int(),
});

const { origin, connections, file, from, count } = Settings.parse(JSON.parse(process.argv[2] ?? ''));
const { hostname: host, port } = new URL(origin);
const requests = readFileSync(file, 'latin1')
  .split('\n', from + count)
  .slice(from)
  .map((line) => {
    const [token = '', proof = ''] = line.split(' ');
    return Buffer.from(formatBoundRequest(origin, token, proof), 'latin1');
  });
let sent = 0;
let answered = 0;
let refused = 0;
let startedMs = 0;

function sendNext(connection: Connection): void {
  const request = requests[sent];
  if (request === undefined) return;
  sent += 1;
  connection.send(request);
}

function onAnswer(connection: Connection, isRefused: boolean): void {
  answered += 1;
  if (isRefused) refused += 1;
  if (answered < requests.length) return sendNext(connection);
  console.log(JSON.stringify({ requests: answered, refused, seconds: (performance.now() - startedMs) / 1000 }));
  process.exit(0);
}

const open = await Promise.all(
  Array.from({ length: connections }, () => openConnection({ host, port: Number(port) }, onAnswer)),
);
startedMs = performance.now();
for (const connection of open) sendNext(connection);
