/** Opens sockets to the backend, in the clear or under TLS with session resumption. RFC 9110 §4.3.4 (https). */
import { connect as netConnect, type Socket } from 'node:net';
import { addressAttemptMs } from '../../lib/address-attempt.ts';
import type { BackendOptions } from '../backend.ts';
import { contained } from '../contain.ts';
import { type TcpAddress, tcpAddress, toServerName } from './tcp-address.ts';
import { type WriteReceiver, watchWrites } from './write-watch.ts';

/** Hears of one socket. */
export interface SocketReceiver extends WriteReceiver {
  /** The bytes are only lent: they change with the next read. */
  onBytes(bytes: Buffer): void;
  /** Connected, TLS handshake and certificate check included. */
  onConnected(): void;
}

export type Connect = (receiver: SocketReceiver) => Socket;

export type ConnectOptions = Pick<
  BackendOptions,
  'url' | 'address' | 'socketPath' | 'ca' | 'connectTimeoutMs' | 'tunnel'
>;

const READ_BUFFER_BYTES = 65536;
/** Silence after which the kernel asks whether the peer is still there: a stream may be quiet for days. */
const KEEP_ALIVE_MS = 60_000;

/** Where to, and how. */
interface Destination extends TcpAddress {
  readonly autoSelectFamilyAttemptTimeout: number;
}

/** A unix socket. */
interface LocalDestination {
  readonly path: string;
}

/** Returns the function that opens sockets to `options.url`. */
export function createConnect(options: ConnectOptions): Connect {
  const { url, address, socketPath, tunnel, connectTimeoutMs } = options;
  if (socketPath !== undefined) return createPlainConnect({ path: socketPath });
  const { host, port } = tcpAddress(url);
  const attempts = { autoSelectFamilyAttemptTimeout: addressAttemptMs(connectTimeoutMs) };
  const destination = { host: address ?? host, port, ...attempts };
  if (url.protocol === 'https:') return createTlsConnect(destination, options);
  return tunnel === undefined ? createPlainConnect(destination) : (receiver) => connectThrough(tunnel, receiver);
}

/** All sockets read into one buffer, one after the other: no buffer per read, none held by an idle connection. */
function createPlainConnect(destination: Destination | LocalDestination): Connect {
  const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  return (receiver) => {
    const onread = {
      buffer,
      callback: (size: number): boolean => {
        try {
          receiver.onBytes(buffer.subarray(0, size));
        } catch (error) {
          receiver.onBug(error);
        }
        return true;
      },
    };
    const onConnected = contained(receiver, () => receiver.onConnected());
    return prepare(netConnect({ ...destination, onread }, onConnected), receiver);
  };
}

/** A tunnel is connected already; its owner hears of that when it has taken the socket. */
function connectThrough(tunnel: Socket, receiver: SocketReceiver): Socket {
  const onBytes = contained(receiver, (bytes: Buffer) => receiver.onBytes(bytes));
  tunnel.on('data', onBytes).resume();
  const onConnected = contained(receiver, () => receiver.onConnected());
  process.nextTick(onConnected);
  return prepare(tunnel, receiver);
}

function createTlsConnect(destination: Destination, { url, ca, tunnel }: ConnectOptions): Connect {
  // Loaded when needed, as in listen.ts.
  const { createSecureContext, connect: tlsConnect } = process.getBuiltinModule('node:tls');
  const secureContext = createSecureContext(ca === undefined ? {} : { ca });
  const { host } = tcpAddress(url);
  const servername = toServerName(host);
  const place = tunnel === undefined ? destination : { socket: tunnel, host };
  let session: Buffer | undefined;
  return (receiver) => {
    const resumed = session === undefined ? {} : { session };
    const socket = tlsConnect({ ...place, servername, secureContext, ALPNProtocols: ['http/1.1'], ...resumed });
    socket.on('session', (ticket) => {
      session = ticket;
    });
    socket.on('error', () => {
      session = undefined;
    });
    socket.on(
      'data',
      contained(receiver, (bytes: Buffer) => receiver.onBytes(bytes)),
    );
    socket.once(
      'secureConnect',
      contained(receiver, () => receiver.onConnected()),
    );
    return prepare(socket, receiver);
  };
}

function prepare(socket: Socket, receiver: SocketReceiver): Socket {
  watchWrites(socket, receiver);
  return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
}
