/** An HTTP proxy that speaks CONNECT alone, and leads every tunnel to one port of this machine. RFC 9110 §9.3.6. */
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { ServerTls } from '../../src/wire/exchange.ts';
import { listenOnLoopback } from './loopback-server.ts';
import type { Cleanup } from './obex.ts';

export interface ConnectProxy {
  readonly port: number;
  /** What was asked for: target and fields of each CONNECT. */
  readonly asked: readonly IncomingMessage[];
}

/** `answer`: the whole answer instead of a tunnel. `tls`: the proxy itself speaks https. */
export async function startConnectProxy(
  context: Cleanup,
  { leadsTo, answer, tls }: { leadsTo: number; answer?: string; tls?: ServerTls },
): Promise<ConnectProxy> {
  const asked: IncomingMessage[] = [];
  const server = tls === undefined ? createServer() : createTlsServer(tls);
  server.on('connect', (request: IncomingMessage, socket) => {
    asked.push(request);
    socket.on('error', () => socket.destroy());
    if (answer !== undefined) return void socket.end(answer);
    const upstream = connect(leadsTo, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
  });
  const port = await listenOnLoopback(server);
  context.after(() => void server.close());
  return { port, asked };
}
