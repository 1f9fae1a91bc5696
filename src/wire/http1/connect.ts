/** Opens sockets to the backend, in the clear or under TLS with session resumption. RFC 9110 §4.3.4 (https). */
import { isIP, connect as netConnect, type Socket } from 'node:net';
import type { BackendOptions } from '../backend.ts';
import { type Contained, contained } from '../contain.ts';

/** Hears of one socket. */
export interface SocketReceiver extends Contained {
  /** The bytes are only lent: they change with the next read. */
  onBytes(bytes: Buffer): void;
  /** Connected, TLS handshake and certificate check included. */
  onConnected(): void;
}

export type Connect = (receiver: SocketReceiver) => Socket;

const READ_BUFFER_BYTES = 65536;

/** Returns the function that opens sockets to `options.url`. */
export function createConnect(options: Pick<BackendOptions, 'url' | 'ca'>): Connect {
  const { url, ca } = options;
  // WHATWG URL keeps the brackets of an IPv6 address.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'https:') return createTlsConnect(host, url.port === '' ? 443 : Number(url.port), ca);
  return createPlainConnect(host, url.port === '' ? 80 : Number(url.port));
}

/** All sockets read into one buffer, one after the other: no buffer per read, none held by an idle connection. */
function createPlainConnect(host: string, port: number): Connect {
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
    return netConnect({ host, port, noDelay: true, keepAlive: true, onread }, onConnected);
  };
}

function createTlsConnect(host: string, port: number, ca: string | undefined): Connect {
  // Loaded when needed, as in listen.ts.
  const { createSecureContext, connect: tlsConnect } = process.getBuiltinModule('node:tls');
  const secureContext = createSecureContext(ca === undefined ? {} : { ca });
  // RFC 6066 §3: no IP address in server_name.
  const servername = isIP(host) === 0 ? host : '';
  let session: Buffer | undefined;
  return (receiver) => {
    const resumed = session === undefined ? {} : { session };
    const socket = tlsConnect({ host, port, servername, secureContext, ALPNProtocols: ['http/1.1'], ...resumed });
    socket.setNoDelay(true).setKeepAlive(true);
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
    return socket;
  };
}
