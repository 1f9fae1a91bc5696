/** Opens sockets to the backend, in the clear or under TLS with session resumption. RFC 9110 §4.3.4 (https). */
import { connect as netConnect, type Socket } from 'node:net';
import type { BackendOptions } from '../backend.ts';
import { type TcpAddress, tcpAddress, toServerName } from './tcp-address.ts';

/** Hears of one socket. */
export interface SocketReceiver {
  /** The bytes are only lent: they change with the next read. */
  onBytes(bytes: Buffer): void;
  /** Connected, TLS handshake and certificate check included. */
  onConnected(): void;
}

export type Connect = (receiver: SocketReceiver) => Socket;

const READ_BUFFER_BYTES = 65536;

/** Returns the function that opens sockets to `options.url`. */
export function createConnect(options: Pick<BackendOptions, 'url' | 'ca' | 'tunnel'>): Connect {
  const { url, tunnel } = options;
  const address = tcpAddress(url);
  if (url.protocol === 'https:') return createTlsConnect(address, options);
  return tunnel === undefined ? createPlainConnect(address) : (receiver) => connectThrough(tunnel, receiver);
}

/** All sockets read into one buffer, one after the other: no buffer per read, none held by an idle connection. */
function createPlainConnect({ host, port }: TcpAddress): Connect {
  const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  return (receiver) => {
    const onread = {
      buffer,
      callback: (size: number): boolean => {
        receiver.onBytes(buffer.subarray(0, size));
        return true;
      },
    };
    return netConnect({ host, port, noDelay: true, keepAlive: true, onread }, () => receiver.onConnected());
  };
}

/** A tunnel is connected already; its owner hears of that when it has taken the socket. */
function connectThrough(tunnel: Socket, receiver: SocketReceiver): Socket {
  tunnel.on('data', (bytes: Buffer) => receiver.onBytes(bytes)).resume();
  process.nextTick(() => receiver.onConnected());
  return tunnel;
}

function createTlsConnect({ host, port }: TcpAddress, { ca, tunnel }: Pick<BackendOptions, 'ca' | 'tunnel'>): Connect {
  // Loaded when needed, as in listen.ts.
  const { createSecureContext, connect: tlsConnect } = process.getBuiltinModule('node:tls');
  const secureContext = createSecureContext(ca === undefined ? {} : { ca });
  const servername = toServerName(host);
  const place = tunnel === undefined ? { host, port } : { socket: tunnel, host };
  let session: Buffer | undefined;
  return (receiver) => {
    const resumed = session === undefined ? {} : { session };
    const socket = tlsConnect({ ...place, servername, secureContext, ALPNProtocols: ['http/1.1'], ...resumed });
    socket.setNoDelay(true).setKeepAlive(true);
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.on('error', () => {
      session = undefined;
    });
    socket.on('data', (bytes: Buffer) => receiver.onBytes(bytes));
    socket.once('secureConnect', () => receiver.onConnected());
    return socket;
  };
}
