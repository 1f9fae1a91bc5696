/** One request and the place for its answer, which is framed here. RFC 9112 §6, RFC 9110 §15. */
import type { ClientCertificate } from '../../lib/client-certificate.ts';
import { answeredHead } from '../answered-head.ts';
import {
  type BodyFailure,
  type BodySink,
  type Exchange,
  type ExchangeOutcome,
  type ExchangeOwner,
  type FieldLines,
  NO_BODY,
  type ReceivedProtocol,
  type RequestBody,
  type RequestHead,
  type ResponseHead,
} from '../exchange.ts';
import type { Accepted } from './connection-context.ts';
import { formatInterimHead, formatResponseHead } from './format-head.ts';
import type { IncomingBody } from './incoming-body.ts';
import type { MessageWriter } from './message-writer.ts';
import type { ParsedRequest } from './request-head.ts';
import type { BodyFraming } from './response-head.ts';

/** How every response head begins. */
const VERSION = 'HTTP/1.1 ';
/** RFC 9110 §15.2: "a client MUST be able to parse one or more 1xx responses", even if it does not expect one. */
const INTERIM = `${VERSION}100 Continue\r\n\r\n`;
/** Several clients take no more than 16 digits of a chunk-size, and no chunk of ours needs more than 5. */
const MAX_ZEROS = 10;

/** What an exchange needs of its connection. */
export interface ExchangeConnection {
  readonly peerAddress: string;
  readonly accepted: Accepted;
  readonly writer: MessageWriter;
  readonly date: string;
  /** Whether the connection must close after this answer, as far as is known when its head is written. */
  mustClose(): boolean;
  /** The answer is complete and on its way; `close` = the connection may not go on. */
  answered(close: boolean): void;
  /** The answer is broken off. */
  cut(closeDelimited: boolean): void;
}

/** The exchange is its own response sink. */
export class ServerExchange implements Exchange, BodySink {
  head: RequestHead;
  owner: ExchangeOwner | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;
  bytesSent = 0;
  responded = false;

  readonly #connection: ExchangeConnection;
  readonly #incomingBody: IncomingBody | undefined;
  readonly #minorVersion: 0 | 1;
  readonly #persistent: boolean;
  #state: 'waiting' | 'answering' | 'answered' | 'over' = 'waiting';
  #framing: BodyFraming = 'none';
  #length: number | undefined = undefined;
  #closes = false;
  /** Nudges sent since the last head or chunk: characters of `INTERIM` before the answer, zeros of a chunk-size within it. */
  #nudges = 0;

  constructor(connection: ExchangeConnection, request: ParsedRequest, body: IncomingBody | undefined) {
    this.#connection = connection;
    this.head = request.head;
    this.#incomingBody = body;
    this.#minorVersion = request.minorVersion;
    this.#persistent = request.persistent;
  }

  get body(): RequestBody {
    return this.#incomingBody ?? NO_BODY;
  }

  get receivedProtocol(): ReceivedProtocol {
    return this.#minorVersion === 0 ? '1.0' : '1.1';
  }

  get peerAddress(): string {
    return this.#connection.peerAddress;
  }

  get clientCertificate(): ClientCertificate {
    return this.#connection.accepted.certificate.value;
  }

  get overloaded(): boolean {
    return this.#connection.accepted.overloaded;
  }

  /** Sends one byte that belongs to the answer anyhow, unless bytes wait already; see presence-check.ts. */
  nudge(): void {
    const byte = this.#nextNudge();
    const { writer } = this.#connection;
    if (byte === '' || !writer.flushed) return;
    this.#nudges += 1;
    writer.text(byte);
    writer.flush();
  }

  inform(status: number, fields: FieldLines): void {
    // RFC 9110 §15.2: never to an HTTP/1.0 client. 101 would hand the connection to another protocol.
    if (this.#minorVersion === 0 || this.#state !== 'waiting' || status < 100 || status > 199 || status === 101) return;
    this.#writeHead(formatInterimHead(status, fields));
  }

  respond(head: ResponseHead): BodySink {
    if (this.#state === 'over') return this;
    if (this.#state !== 'waiting') throw new Error('an exchange is answered at most once');
    this.#framing = this.#framingOf(head);
    this.#length = this.#framing === 'none' ? undefined : head.length;
    this.#closes = !this.#persistent || this.#framing === 'close' || this.#connection.mustClose();
    const connection = this.#closes ? 'close' : this.#minorVersion === 0 ? 'keep-alive' : undefined;
    const text = formatResponseHead(head, { framing: this.#framing, connection, date: this.#connection.date });
    // Only now: another answer may take the place of one that could not be written.
    this.#state = 'answering';
    this.responded = true;
    this.#writeHead(text);
    if (head.length === undefined) this.head = answeredHead(this.head);
    return this;
  }

  write(chunk: Uint8Array): boolean {
    // An empty chunk would be the last one.
    if (this.#state !== 'answering' || this.#framing === 'none' || chunk.length === 0) return true;
    this.bytesSent += chunk.length;
    if (this.#framing === 'chunked') {
      this.#nudges = 0;
      return this.#connection.writer.bytes(chunk, `${chunk.length.toString(16)}\r\n`, '\r\n');
    }
    if (this.#length !== undefined && this.bytesSent > this.#length) {
      this.abort('backend_closed');
      return true;
    }
    return this.#connection.writer.bytes(chunk, '', '');
  }

  end(): void {
    if (this.#state !== 'answering') return;
    // RFC 9112 §6.3: fewer bytes than announced must not look like a complete answer.
    if (this.#length !== undefined && this.bytesSent !== this.#length) {
      this.abort('backend_closed');
      return;
    }
    this.#state = 'answered';
    if (this.#framing === 'chunked') this.#connection.writer.text('0\r\n\r\n');
    this.#connection.answered(this.#closes);
  }

  abort(_failure: BodyFailure | 'backend_closed'): void {
    if (this.#state !== 'answering') return;
    this.#connection.cut(this.#framing === 'close');
  }

  /** The connection calls this once, when nothing more can happen. */
  close(outcome: ExchangeOutcome): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    if (outcome === 'aborted') this.#incomingBody?.fail('client_closed');
    this.owner?.onClose(outcome);
  }

  #nextNudge(): string {
    if (this.#state === 'answering') {
      // RFC 9112 §7.1: a chunk-size may begin with zeros.
      return this.#framing === 'chunked' && this.#nudges < MAX_ZEROS ? '0' : '';
    }
    if (this.#state !== 'waiting') return '';
    // RFC 9110 §15.2: never an interim response to an HTTP/1.0 client.
    const text = this.#minorVersion === 0 ? VERSION : INTERIM;
    if (this.#nudges === INTERIM.length) this.#nudges = 0;
    return text.charAt(this.#nudges);
  }

  /** The nudges are the beginning of it; or, when there were more, that of an interim response, which goes before it. */
  #writeHead(text: string): void {
    const nudges = this.#nudges;
    this.#nudges = 0;
    this.#connection.writer.text(nudges <= VERSION.length ? text.slice(nudges) : INTERIM.slice(nudges) + text);
  }

  #framingOf(head: ResponseHead): BodyFraming {
    if (this.head.method === 'HEAD' || head.status === 204 || head.status === 304) return 'none';
    if (head.length !== undefined) return 'length';
    return this.#minorVersion === 1 ? 'chunked' : 'close';
  }
}
