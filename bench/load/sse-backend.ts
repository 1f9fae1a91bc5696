/** Program: an SSE server that holds thousands of streams and sends each an event a second, stamped with the clock. */
import { createServer, type Socket } from 'node:net';

const PERIOD_MS = 1_000;
const HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n';

const streams: Socket[] = [];

createServer({ noDelay: true }, (socket) => {
  let head = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', function onData(chunk) {
    head += chunk.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    socket.off('data', onData).resume();
    socket.write(HEAD);
    streams.push(socket);
  });
  socket.on('close', () => {
    const index = streams.indexOf(socket);
    if (index >= 0) streams.splice(index, 1);
  });
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });

let next = 0;
let owed = 0;
let lastMs = performance.now();

// Streams take turns, so that events come evenly and not in a burst once a second.
setInterval(() => {
  const nowMs = performance.now();
  owed += (streams.length * (nowMs - lastMs)) / PERIOD_MS;
  lastMs = nowMs;
  for (; owed >= 1; owed -= 1) {
    next = next + 1 < streams.length ? next + 1 : 0;
    // CLOCK_MONOTONIC is one clock for all processes of a machine.
    const event = `data: ${process.hrtime.bigint()}\n\n`;
    streams[next]?.write(`${event.length.toString(16)}\r\n${event}\r\n`);
  }
}, 1);
