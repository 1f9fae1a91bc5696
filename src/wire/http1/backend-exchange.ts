/** One request to the backend, from the wait for a connection to the end of its answer. RFC 9110 §9.2.2, RFC 9112 §9.3.1. */
import type { BackendFailure, BackendReceiver, BackendRequest } from '../backend.ts';
import type { BodyFailure, BodySink, FieldLines, RequestBody, ResponseHead } from '../exchange.ts';
import { formatRequestHead } from './format-head.ts';

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/** The connection that an exchange is on, as far as the exchange is concerned. */
export interface RequestCarrier {
  send(text: string): void;
  /** False when it takes no more for now; `onDrain` follows. */
  sendBytes(chunk: Uint8Array, before: string, after: string): boolean;
  /** All of the request has been sent. */
  requestSent(): void;
  /** The exchange ended before anything of it was sent. */
  giveBack(): void;
  destroy(): void;
}

/** The exchange is the sink of its own request body. */
export class BackendExchange implements BodySink {
  onDrain: (() => void) | undefined = undefined;
  readonly method: string;
  /** See `BackendRequest`. A body on its way keeps the deadline. */
  readonly mayWait: boolean;
  readonly #body: RequestBody;
  readonly #receiver: BackendReceiver;
  #connection: RequestCarrier | undefined = undefined;
  /** The head, until there is an answer: a request may have to be sent a second time. */
  #head: string;
  /** The same, until it leaves with the first bytes of the body. */
  #unsentHead = '';
  #bytesSent = 0;
  #bodyComplete = false;
  /** Where the body of the answer goes, once there is an answer. */
  #response: BodySink | undefined = undefined;
  #state: 'waiting' | 'sending' | 'answering' | 'over' = 'waiting';

  constructor(request: BackendRequest, body: RequestBody, receiver: BackendReceiver) {
    this.method = request.method;
    this.mayWait = request.mayWait === true && body.length === 0;
    this.#head = formatRequestHead(request, body.length);
    this.#body = body;
    this.#receiver = receiver;
  }

  /** True when the connection has been given the whole request. */
  get requestComplete(): boolean {
    return this.#bodyComplete;
  }

  /** True when sending the request a second time does no harm and is possible: no body has been taken from the client. */
  get repeatable(): boolean {
    return this.#body.length === 0 && IDEMPOTENT.has(this.method);
  }

  /** The connection is being made. */
  awaitConnection(connection: RequestCarrier): void {
    this.#connection = connection;
  }

  start(connection: RequestCarrier): void {
    this.#connection = connection;
    this.#state = 'sending';
    this.#unsentHead = this.#head;
    if (this.#body.length === 0) this.end();
    else this.#body.deliverTo(this);
    // What there is of the body has joined the head; the head itself does not wait for the rest.
    this.#connection?.send(this.#takeHead());
  }

  write(chunk: Uint8Array): boolean {
    if (this.#connection === undefined || chunk.length === 0) return true;
    this.#bytesSent += chunk.length;
    const { length } = this.#body;
    if (length === undefined) {
      return this.#connection.sendBytes(chunk, `${this.#takeHead()}${chunk.length.toString(16)}\r\n`, '\r\n');
    }
    if (this.#bytesSent <= length) return this.#connection.sendBytes(chunk, this.#takeHead(), '');
    // RFC 9112 §6.3: bytes beyond the announced length would be read as the next request.
    this.abort('malformed_request');
    return true;
  }

  end(): void {
    if (this.#connection === undefined) return;
    const { length } = this.#body;
    if (length !== undefined && this.#bytesSent !== length) {
      this.abort('malformed_request');
      return;
    }
    this.#bodyComplete = true;
    this.#connection.send(length === undefined ? `${this.#takeHead()}0\r\n\r\n` : this.#takeHead());
    this.#connection.requestSent();
  }

  /** The client's body broke off: what the backend has of the request must stay incomplete. RFC 9112 §8. */
  abort(failure: BodyFailure): void {
    if (this.#state === 'over') return;
    const untouched = this.#unsentHead !== '';
    this.#unsentHead = '';
    const connection = this.#connection;
    const response = this.#response;
    const answering = this.#state === 'answering';
    this.#finish();
    if (untouched) connection?.giveBack();
    else connection?.destroy();
    if (answering) response?.abort(failure);
    else this.#receiver.onFailure(failure, undefined);
  }

  /** The owner has no more use for the answer. */
  cancel(): void {
    if (this.#state === 'over') return;
    const connection = this.#connection;
    this.#finish();
    connection?.destroy();
  }

  onInformational(status: number, fields: FieldLines): void {
    this.#receiver.onInformational(status, fields);
  }

  onHead(head: ResponseHead): BodySink | undefined {
    this.#head = '';
    const response = this.#receiver.onHead(head);
    // It may have been cancelled meanwhile. A receiver that throws hears of the failure instead: nobody answers for it.
    if (this.#state === 'over') return undefined;
    this.#state = 'answering';
    this.#response = response;
    return response;
  }

  onResponseEnd(): void {
    if (this.#state === 'over') return;
    const response = this.#response;
    this.#finish();
    response?.end();
  }

  /** The connection is of no more use: there is no answer, or only the beginning of one. */
  fail(failure: BackendFailure, cause: Error | undefined): void {
    if (this.#state === 'over') return;
    const answering = this.#state === 'answering';
    const response = this.#response;
    this.#finish();
    if (answering) response?.abort('backend_closed');
    else this.#receiver.onFailure(failure, cause);
  }

  #takeHead(): string {
    const head = this.#unsentHead;
    this.#unsentHead = '';
    return head;
  }

  #finish(): void {
    this.#state = 'over';
    this.#connection = undefined;
    this.#response = undefined;
  }
}
