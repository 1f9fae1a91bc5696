/** A way through an HTTP proxy: one CONNECT, and from then on the bytes are the caller's. RFC 9110 §9.3.6, RFC 7617 §2. */
import { connect as netConnect, type Socket } from 'node:net';
import { addressAttemptMs } from '../../lib/address-attempt.ts';
import { type Contained, contained } from '../contain.ts';
import { HeadReader } from './head-reader.ts';
import { parseResponseHead } from './response-head.ts';
import { tcpAddress, toServerName } from './tcp-address.ts';

export interface TunnelOptions {
  /** `http:` or `https:`; user and password become Basic credentials. */
  readonly proxy: URL;
  /** Where the tunnel ends: its host and port. */
  readonly target: URL;
  /** IP address that stands in the place of that host. */
  readonly address?: string | undefined;
  /** From the look-up of the proxy's name to its answer. */
  readonly timeoutMs: number;
}

const MAX_HEAD_BYTES = 16 * 1024;
const LIMITS = { maxLineBytes: MAX_HEAD_BYTES, maxHeadBytes: MAX_HEAD_BYTES };

/** Resolves to a socket that nobody listens to yet. Rejects with what the proxy answered, or why it could not be asked. */
export async function openTunnel(options: TunnelOptions): Promise<Socket> {
  const socket = connectTo(options);
  const tunnel = new Tunnel(socket, options);
  try {
    await tunnel.opened;
    tunnel.release();
    return socket;
  } catch (cause) {
    tunnel.destroy();
    const problem = cause instanceof Error ? cause.message : 'failed';
    throw new Error(`the proxy ${options.proxy.host}: ${problem}`, { cause });
  }
}

function connectTo({ proxy, timeoutMs }: TunnelOptions): Socket {
  const address = { ...tcpAddress(proxy), autoSelectFamilyAttemptTimeout: addressAttemptMs(timeoutMs) };
  if (proxy.protocol === 'http:') return netConnect(address);
  return process.getBuiltinModule('node:tls').connect({ ...address, servername: toServerName(address.host) });
}

class Tunnel implements Contained {
  readonly #socket: Socket;
  readonly #options: TunnelOptions;
  readonly #outcome = Promise.withResolvers<void>();
  readonly #timer: NodeJS.Timeout;
  readonly #reader = new HeadReader('response');

  constructor(socket: Socket, options: TunnelOptions) {
    const { timeoutMs } = options;
    this.#socket = socket;
    this.#options = options;
    this.#timer = setTimeout(() => this.#fail(`no answer to CONNECT in ${timeoutMs} ms`), timeoutMs);
    socket.once(options.proxy.protocol === 'http:' ? 'connect' : 'secureConnect', this.#onConnected);
    socket.on('data', this.#onBytes).on('error', this.#outcome.reject).on('close', this.#onClose);
  }

  get opened(): Promise<void> {
    return this.#outcome.promise;
  }

  /** The socket is somebody else's now. */
  release(): void {
    clearTimeout(this.#timer);
    this.#socket.off('data', this.#onBytes).off('error', this.#outcome.reject).off('close', this.#onClose);
  }

  /** Nobody will have the socket. What it still has to say interests nobody, and must not end the process. */
  destroy(): void {
    clearTimeout(this.#timer);
    this.#socket.destroy();
  }

  onBug(error: unknown): void {
    this.#outcome.reject(error);
  }

  readonly #onConnected = contained(this, () => void this.#socket.write(formatConnect(this.#options), 'latin1'));

  readonly #onClose = (): void => this.#fail('the connection was closed without an answer to CONNECT');

  readonly #onBytes = contained(this, (bytes: Buffer) => {
    const progress = this.#reader.feed(bytes, 0, LIMITS);
    if (progress === 'incomplete') return;
    const response = progress === 'complete' ? parseResponseHead(this.#reader, 'CONNECT') : progress;
    if (typeof response === 'string') return this.#fail('its answer to CONNECT is not valid HTTP/1.1');
    const { status, reason } = response.head;
    if (status < 200 || status > 299) return this.#fail(`it answered CONNECT with ${status} ${reason}`.trim());
    // Neither TLS nor HTTP begins with a word of the server.
    if (this.#reader.position < bytes.length) return this.#fail('bytes behind its answer to CONNECT');
    this.#socket.pause();
    this.#outcome.resolve();
  });

  #fail(problem: string): void {
    this.#outcome.reject(new Error(problem));
  }
}

function formatConnect({ proxy, target, address }: TunnelOptions): string {
  const { port } = tcpAddress(target);
  const authority = `${address === undefined ? target.hostname : uriHost(address)}:${port}`;
  const credentials = `${decode(proxy.username)}:${decode(proxy.password)}`;
  const authorization =
    credentials === ':' ? '' : `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`;
}

/** RFC 3986 §3.2.2: brackets around IPv6. */
function uriHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** A percent that encodes nothing stands for itself, as curl has it. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
