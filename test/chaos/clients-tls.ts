/** Clients that never finish a TLS handshake, or begin none. RFC 8446 §4.1.2. */
import { CLIENT_HELLO } from '../support/client-hello.ts';
import { openSocket, vanish } from '../support/doors.ts';
import { RawConnection } from '../support/raw-http.ts';
import type { Client } from './visit.ts';

const BEGINNINGS: readonly (readonly [name: string, bytes: string | Buffer])[] = [
  ['nothing', ''],
  ['one byte', '\x16'],
  ['half a ClientHello', CLIENT_HELLO.subarray(0, CLIENT_HELLO.length / 2)],
  ['a ClientHello', CLIENT_HELLO],
  ['garbage', '\0'.repeat(600)],
  ['plain HTTP', 'GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'],
];

const stays = ([name, bytes]: (typeof BEGINNINGS)[number]): Client => ({
  name: `TLS: ${name}, then silence`,
  over: ['tls'],
  async visit({ door }) {
    const client = new RawConnection(await openSocket(door));
    if (bytes.length > 0) await client.send(bytes);
    await client.closed;
  },
});

const leaves = ([name, bytes]: (typeof BEGINNINGS)[number]): Client => ({
  name: `TLS: ${name}, then gone`,
  over: ['tls'],
  async visit({ door, random }) {
    const socket = await openSocket(door);
    if (bytes.length > 0) socket.write(bytes);
    const how = random.pick(['FIN', 'reset', 'destroy'] as const);
    if (how === 'FIN') socket.end();
    else if (how === 'reset') vanish(socket);
    else socket.destroy();
    await new RawConnection(socket).closed;
  },
});

const leavesBelow: Client = {
  name: 'TLS: a FIN without close_notify',
  over: ['tls'],
  async visit(visit) {
    const line = await visit.connect();
    await line.client.send(visit.ask().text);
    await visit.dwell(50);
    line.end();
    await visit.dwell(1500);
  },
};

export const TLS_CLIENTS: readonly Client[] = [
  ...BEGINNINGS.flatMap((each) => [stays(each), leaves(each)]),
  leavesBelow,
];
