/** One request and its answer over node:http's message objects. RFC 9110 §6, §15.2, RFC 9112 §6, §9.6. */
import type { ServerResponse } from 'node:http';
import { NOT_ASKED_FOR } from '../../src/wire/client-certificate.ts';
import type {
  BodySink,
  Exchange,
  ExchangeOutcome,
  ExchangeOwner,
  FieldLines,
  ReceivedProtocol,
  RequestHead,
  ResponseHead,
} from '../../src/wire/exchange.ts';
import { withoutFraming } from './framing.ts';
import type { NodeRequestBody } from './request-body.ts';
import { ResponseSink } from './response-sink.ts';

/** What an exchange asks of the connection that it runs on. */
export interface ExchangeConnection {
  readonly peerAddress: string;
  readonly overloaded: boolean;
  /** False when the answer must carry `Connection: close`. */
  readonly reusable: boolean;
  /** Cuts it; `reset` when a plain end would look like the end of a body. */
  cut(reset: boolean): void;
  /** An exchange is over. */
  onExchangeOver(exchange: NodeExchange): void;
}

/** The parts of an exchange. */
export interface ExchangeParts {
  readonly head: RequestHead;
  readonly body: NodeRequestBody;
  readonly response: ServerResponse;
  readonly connection: ExchangeConnection;
  /** The request asked for the connection to be closed, or is HTTP/1.0. */
  readonly close: boolean;
  readonly http10: boolean;
  readonly writeTimeoutMs: number;
}

const DISCARD: BodySink = { write: () => true, end: () => undefined, abort: () => undefined, onDrain: undefined };

/** Implements {@link Exchange}; `settle` is called by the connection when the client is gone. */
export class NodeExchange implements Exchange {
  readonly head: RequestHead;
  readonly body: NodeRequestBody;
  readonly receivedProtocol: ReceivedProtocol;
  readonly peerAddress: string;
  readonly overloaded: boolean;
  readonly clientCertificate = NOT_ASKED_FOR.value;
  owner: ExchangeOwner | undefined;
  readonly #parts: ExchangeParts;
  #sink: ResponseSink | undefined;
  #responded = false;
  #over = false;

  constructor(parts: ExchangeParts) {
    this.head = parts.head;
    this.body = parts.body;
    this.receivedProtocol = parts.http10 ? '1.0' : '1.1';
    this.peerAddress = parts.connection.peerAddress;
    this.overloaded = parts.connection.overloaded;
    this.#parts = parts;
    parts.response.once('finish', () => this.settle('complete'));
    parts.response.on('error', () => this.settle('aborted'));
  }

  get bytesSent(): number {
    return this.#sink?.bytesSent ?? 0;
  }

  get responded(): boolean {
    return this.#responded;
  }

  get over(): boolean {
    return this.#over;
  }

  inform(status: number, fields: FieldLines): void {
    // RFC 9110 §15.2: never a 1xx response to an HTTP/1.0 client.
    if (this.#over || this.#responded || this.#parts.http10) return;
    this.#parts.response.writeInformation(status, withoutFraming(fields));
  }

  respond(head: ResponseHead): BodySink {
    if (this.#responded) throw new Error('an exchange has one response');
    this.#responded = true;
    if (this.#over) return DISCARD;
    const { response, connection } = this.#parts;
    const keep = !this.#parts.close && connection.reusable && !this.body.unreadable;
    const bodyless = this.head.method === 'HEAD' || head.status === 204 || head.status === 304;
    const untilClose = !bodyless && head.length === undefined && this.#parts.http10;
    this.#writeHead(head, { keep, bodyless });
    this.#sink = new ResponseSink(response, {
      length: head.length,
      bodyless,
      writeTimeoutMs: this.#parts.writeTimeoutMs,
      onEnd: () => {
        // Starting only now leaves an unread body with the client as long as the answer is in the making.
        if (keep && this.body.waiting) this.body.drain();
      },
      cut: () => connection.cut(untilClose),
    });
    return this.#sink;
  }

  #writeHead(head: ResponseHead, { keep, bodyless }: { keep: boolean; bodyless: boolean }): void {
    const fields = withoutFraming(head.fields);
    // node:http re-encodes Content-Disposition when a length stands before it, so framing comes last.
    if (head.length !== undefined && head.status !== 204) fields.push('Content-Length', String(head.length));
    else if (!bodyless && !this.#parts.http10) fields.push('Transfer-Encoding', 'chunked');
    fields.push('Connection', keep ? 'keep-alive' : 'close');
    const { response } = this.#parts;
    response.useChunkedEncodingByDefault = !this.#parts.http10;
    if (head.reason === '') response.writeHead(head.status, fields);
    else response.writeHead(head.status, head.reason, fields);
  }

  /** The exchange is over; only the first call counts. */
  settle(outcome: ExchangeOutcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#sink?.settle();
    if (outcome === 'aborted') this.body.fail('client_closed');
    this.owner?.onClose(outcome);
    this.#parts.connection.onExchangeOver(this);
  }
}
