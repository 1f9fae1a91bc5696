/** One request on an HTTP/2 stream and the place for its answer. RFC 9113 §8.1. */
import type { ServerHttp2Stream } from 'node:http2';
import type { ClientCertificate } from '../../lib/client-certificate.ts';
import { answeredHead } from '../answered-head.ts';
import { type Contained, contained } from '../contain.ts';
import type {
  BodyFailure,
  BodySink,
  Exchange,
  ExchangeOutcome,
  ExchangeOwner,
  FieldLines,
  ReceivedProtocol,
  RequestHead,
  ResponseHead,
  ServerLimits,
} from '../exchange.ts';
import type { Accepted } from '../http1/connection-context.ts';
import { INTERNAL_ERROR, NO_ERROR } from './error-codes.ts';
import type { Share } from './held-bytes.ts';
import { IncomingStreamBody } from './incoming-stream-body.ts';
import type { ParsedRequest } from './request-fields.ts';
import { formatInterimFields, formatResponseFields } from './response-fields.ts';
import { countUnread, unreadBytes, waitingBytes } from './waiting-pieces.ts';
import { withoutEndStream } from './without-end-stream.ts';

/** What `node:http2`, nghttp2 and this file keep for an open stream, measured. */
const STREAM_BYTES = 8 * 1024;
/** What a field line takes beside its bytes while it is needed: two strings, which are large outside of V8's heap. */
const FIELD_LINE_BYTES = 200;
/** What `node:http2` keeps of each field line until the stream ends: its place in a list, which has room for twice as many. */
const FIELD_PLACE_BYTES = 100;

/** What an exchange needs of its connection. */
export interface StreamConnection extends Contained {
  readonly peerAddress: string;
  readonly accepted: Accepted;
  readonly date: string;
  readonly nowMs: number;
  readonly limits: ServerLimits;
  /** Streams that have been answered and cannot end: what each takes by itself. */
  readonly heldStreams: Share;
  /** Bytes that wait: for an answer, for somebody to take them, or for the peer. */
  readonly heldBytes: Share;
  /** The exchange is over; `byPeer` = the peer cut it off. */
  exchangeOver(exchange: StreamExchange, byPeer: boolean): void;
}

/** The exchange is its own response sink. */
export class StreamExchange implements Exchange, BodySink {
  head: RequestHead;
  readonly body: IncomingStreamBody;
  owner: ExchangeOwner | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;
  bytesSent = 0;
  responded = false;

  readonly #connection: StreamConnection;
  readonly #stream: ServerHttp2Stream;
  #state: 'waiting' | 'answering' | 'answered' | 'over' = 'waiting';
  #hasBody = true;
  #length: number | undefined = undefined;
  #lastTaken = 0;
  /** Chunks of the answer since none waited, each of which Node keeps by itself. */
  #chunks = 0;
  #headBytes: number;
  readonly #streamBytes: number;
  #countedForStream = 0;
  #countedBytes = 0;
  #stalledSinceMs: number | undefined = undefined;

  constructor(connection: StreamConnection, stream: ServerHttp2Stream, request: ParsedRequest) {
    this.#connection = connection;
    this.#stream = stream;
    this.head = request.head;
    this.#headBytes = request.bytes + request.lines * FIELD_LINE_BYTES;
    this.#streamBytes = STREAM_BYTES + request.lines * FIELD_PLACE_BYTES;
    if (!stream.endAfterHeaders) countUnread(stream);
    this.body = new IncomingStreamBody(stream, stream.endAfterHeaders ? 0 : request.contentLength, {
      limits: connection.limits,
      get nowMs() {
        return connection.nowMs;
      },
      sendContinue: request.expectsContinue ? () => this.inform(100, []) : undefined,
      onBug: (error) => connection.onBug(error),
    });
    const listen = (event: string, run: () => void): void => void stream.on(event, contained(connection, run));
    listen('drain', () => this.onDrain?.());
    listen('finish', () => this.#onFinished());
    listen('aborted', () => this.#onAborted());
    listen('close', () => this.#onClosed());
  }

  get receivedProtocol(): ReceivedProtocol {
    return '2';
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

  inform(status: number, fields: FieldLines): void {
    // §8.6: 101 does not exist here.
    if (this.#state !== 'waiting' || this.#stream.closed || status < 100 || status > 199 || status === 101) return;
    this.#stream.additionalHeaders(formatInterimFields(status, fields));
  }

  respond(head: ResponseHead): BodySink {
    if (this.#state === 'over' || this.#stream.closed) return this;
    if (this.#state !== 'waiting') throw new Error('an exchange is answered at most once');
    // For HEAD the writable side has been ended from the beginning.
    this.#hasBody = !this.#stream.writableEnded && head.length !== 0 && !isBodiless(head.status);
    this.#length = this.#hasBody ? head.length : undefined;
    this.#stream.respond(formatResponseFields(head, this.#connection.date), { endStream: !this.#hasBody });
    // Only now: another answer may take the place of one that could not be written.
    this.#state = 'answering';
    this.responded = true;
    // Even a short answer may have to wait for its peer, with a hundred others.
    this.head = answeredHead(this.head);
    this.#headBytes = 0;
    this.count();
    return this;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#state !== 'answering' || !this.#hasBody || this.#stream.closed) return true;
    this.bytesSent += chunk.length;
    if (this.#length !== undefined && this.bytesSent > this.#length) {
      this.abort('backend_closed');
      return true;
    }
    this.#chunks = this.#stream.writableLength === 0 ? 1 : this.#chunks + 1;
    if (this.#stream.write(chunk)) return true;
    this.count();
    return false;
  }

  end(): void {
    if (this.#state !== 'answering') return;
    // §8.1.1: fewer bytes than announced must not look like a complete answer.
    if (this.#length !== undefined && this.bytesSent !== this.#length) {
      this.abort('backend_closed');
      return;
    }
    this.#state = 'answered';
    this.body.forgo();
    if (this.#hasBody) this.#stream.end();
    else this.#onFinished();
    this.count();
  }

  abort(_failure: BodyFailure | 'backend_closed'): void {
    if (this.#state === 'answering') this.cut(INTERNAL_ERROR);
  }

  /** Breaks the answer off by a RST_STREAM. */
  cut(code: number): void {
    this.close('aborted', false);
    this.#stream.close(code);
  }

  /** Called once for good, by whoever sees the end first. */
  close(outcome: ExchangeOutcome, byPeer: boolean): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    if (outcome === 'aborted') this.body.discard();
    this.count();
    this.#connection.exchangeOver(this, byPeer);
    this.owner?.onClose(outcome);
  }

  /** Bytes, or the end, wait for the peer. */
  get isUnread(): boolean {
    return this.#stream.writableLength > 0 || this.#state === 'answered';
  }

  /** Bytes of the answer that the peer has taken. */
  get taken(): number {
    return this.bytesSent - this.#stream.writableLength;
  }

  /** Brings up to date what is counted for this stream; to be called when more, or less, is kept than before. */
  count(): void {
    const isOver = this.#state === 'over';
    const forStream = this.#state === 'answered' ? this.#streamBytes : 0;
    const waiting = unreadBytes(this.#stream) + waitingBytes(this.#stream.writableLength, this.#chunks);
    const bytes = isOver ? 0 : this.#headBytes + waiting;
    this.#connection.heldStreams.add(forStream - this.#countedForStream);
    this.#connection.heldBytes.add(bytes - this.#countedBytes);
    this.#countedForStream = forStream;
    this.#countedBytes = bytes;
  }

  /** True when bytes, or the end, have waited for `limitMs` without the peer taking any. To be asked again and again. */
  isStalled(nowMs: number, limitMs: number): boolean {
    if (!this.isUnread) {
      this.#stalledSinceMs = undefined;
      return false;
    }
    const { taken } = this;
    if (this.#stalledSinceMs === undefined || taken !== this.#lastTaken) {
      this.#stalledSinceMs = nowMs;
      this.#lastTaken = taken;
    }
    return nowMs - this.#stalledSinceMs >= limitMs;
  }

  /** §8.1: a complete answer does not wait for the rest of the request. */
  #onFinished(): void {
    // For HEAD the writable side has been finished from the beginning.
    if (this.#state !== 'answered' || this.#stream.endAfterHeaders || this.#stream.readableEnded) return;
    this.body.discard();
    this.#stream.close(NO_ERROR);
  }

  #onAborted(): void {
    withoutEndStream(this.#stream);
    this.close('aborted', true);
  }

  /**
   * A stream that closes by itself has had its END_STREAM sent. One that the peer resets with NO_ERROR, although §8.1
   * leaves that to servers, looks the same when only the last bytes of its answer were missing.
   */
  #onClosed(): void {
    const complete = this.#state === 'answered' && this.#stream.rstCode === NO_ERROR;
    this.close(complete ? 'complete' : 'aborted', !complete);
  }
}

/** RFC 9110 §15.3.5, §15.3.6, §15.4.5. */
function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}
