/** One request and the place for its answer, which is framed here. RFC 9112 §6, RFC 9110 §15. */
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
import { formatInterimHead, formatResponseHead } from './format-head.ts';
import type { IncomingBody } from './incoming-body.ts';
import type { MessageWriter } from './message-writer.ts';
import type { ParsedRequest } from './request-head.ts';
import type { BodyFraming } from './response-head.ts';

const STATUS_LINE_START = 'HTTP/1.1 ';

/** What an exchange needs of its connection. */
export interface ExchangeConnection {
  readonly peerAddress: string;
  readonly overloaded: boolean;
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
  /** How many characters of `STATUS_LINE_START` have already been sent, which the next head leaves out. */
  #sentPrefix = 0;

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

  get overloaded(): boolean {
    return this.#connection.overloaded;
  }

  /** Sends one byte that belongs to the answer anyhow, unless bytes wait already; see half-close.ts. False: there is none. */
  nudge(): boolean {
    const isInChunks = this.#state === 'answering' && this.#framing === 'chunked';
    if (!isInChunks && this.#state !== 'waiting') return false;
    const { writer } = this.#connection;
    if (!writer.flushed) return true;
    // RFC 9112 §7.1: a chunk-size may begin with zeros.
    writer.text(isInChunks ? '0' : STATUS_LINE_START.charAt(this.#sentPrefix));
    if (!isInChunks) this.#sentPrefix += 1;
    writer.flush();
    return true;
  }

  inform(status: number, fields: FieldLines): void {
    // RFC 9110 §15.2: never to an HTTP/1.0 client. 101 would hand the connection to another protocol.
    if (this.#minorVersion === 0 || this.#state !== 'waiting' || status < 100 || status > 199 || status === 101) return;
    this.#writeHead(formatInterimHead(status, fields));
  }

  respond(head: ResponseHead): BodySink {
    if (this.#state === 'over') return this;
    if (this.#state !== 'waiting') throw new Error('an exchange is answered at most once');
    this.#state = 'answering';
    this.responded = true;
    this.#framing = this.#framingOf(head);
    this.#length = this.#framing === 'none' ? undefined : head.length;
    this.#closes = !this.#persistent || this.#framing === 'close' || this.#connection.mustClose();
    const connection = this.#closes ? 'close' : this.#minorVersion === 0 ? 'keep-alive' : undefined;
    this.#writeHead(formatResponseHead(head, { framing: this.#framing, connection, date: this.#connection.date }));
    if (head.length === undefined) this.head = answeredHead(this.head);
    return this;
  }

  write(chunk: Uint8Array): boolean {
    // An empty chunk would be the last one.
    if (this.#state !== 'answering' || this.#framing === 'none' || chunk.length === 0) return true;
    this.bytesSent += chunk.length;
    if (this.#framing === 'chunked') {
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

  #writeHead(text: string): void {
    this.#connection.writer.text(text.slice(this.#sentPrefix));
    this.#sentPrefix = 0;
  }

  #framingOf(head: ResponseHead): BodyFraming {
    if (this.head.method === 'HEAD' || head.status === 204 || head.status === 304) return 'none';
    if (head.length !== undefined) return 'length';
    return this.#minorVersion === 1 ? 'chunked' : 'close';
  }
}
