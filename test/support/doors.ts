/** The ways into a running Obex, for clients that want the socket below TLS in their hands too. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { FrameClient } from '../unit/wire/http2/fixture.ts';
import { openHttp2Bytes } from './http2-bytes.ts';
import { type RawClient, RawConnection } from './raw-http.ts';

/** `h2` is HTTP/2 over TLS, `tls` HTTP/1.1. */
export type Way = 'plain' | 'tls' | 'unix' | 'h2';

export interface Door {
  /** A port of 127.0.0.1, or the path of a unix socket. */
  readonly address: number | string;
  /** The authority that signed, and the name, where there is TLS. */
  readonly tls: { readonly ca: string; readonly servername: string } | undefined;
  /** What has been opened through it, for whoever has to close it. */
  readonly opened: Duplex[];
}

/** A connection, and the ways to leave it. */
export interface Line {
  readonly client: RawClient<Duplex>;
  /** RST, where the socket knows one. */
  reset(): void;
  /** FIN, without a word of TLS. */
  end(): void;
}

export interface FrameLine {
  readonly client: FrameClient;
  reset(): void;
}

export async function openSocket({ address, opened }: Door): Promise<Socket> {
  const socket = typeof address === 'number' ? connect(address, '127.0.0.1') : connect(address);
  opened.push(socket);
  // Whoever is interested in how it ends listens itself.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket.setNoDelay(true);
}

/** Vanishes: the other side learns nothing but that nobody is there any more. */
export function vanish(socket: Socket): void {
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

async function openTls(door: Door, socket: Socket, protocol: string): Promise<TLSSocket> {
  const secure = connectTls({ socket, ...door.tls, ALPNProtocols: [protocol] });
  secure.on('error', () => undefined);
  await once(secure, 'secureConnect');
  return secure;
}

export async function openLine(door: Door, way: Way): Promise<Line> {
  if (way === 'h2') {
    const bytes = await openHttp2Bytes(Number(door.address), { ...door.tls });
    door.opened.push(bytes);
    const client = new RawConnection(bytes);
    return { client, reset: () => client.destroy(), end: () => client.destroy() };
  }
  const socket = await openSocket(door);
  const client = new RawConnection<Duplex>(way === 'tls' ? await openTls(door, socket, 'http/1.1') : socket);
  return { client, reset: () => vanish(socket), end: () => void socket.end() };
}

/** A connection that has agreed on HTTP/2, and on which nothing has been sent yet. */
export async function openSilentHttp2(door: Door): Promise<RawClient<Duplex>> {
  return new RawConnection<Duplex>(await openTls(door, await openSocket(door), 'h2'));
}

export async function openFrames(door: Door): Promise<FrameLine> {
  const socket = await openSocket(door);
  const client = await FrameClient.over(await openTls(door, socket, 'h2'), true);
  return { client, reset: () => vanish(socket) };
}
