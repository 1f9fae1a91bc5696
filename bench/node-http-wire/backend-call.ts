/** One request to the backend, its answer, and everything that can break in between. RFC 9112 §8, §9.3.1, §9.5. */
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Socket } from 'node:net';
import type { BackendFailure, BackendOptions, BackendReceiver, BackendRequest } from '../../src/wire/backend.ts';
import type { BodyFailure, BodySink, RequestBody } from '../../src/wire/exchange.ts';
import { backendFields, classifyBackendError, isIdempotent } from './backend-request.ts';
import { flushHead } from './flush-head.ts';
import { checkResponseHead, endToEndFields } from './response-head.ts';
import { ResponseRelay } from './response-relay.ts';

/** What a call is about. */
export interface CallParts {
  readonly request: BackendRequest;
  readonly body: RequestBody;
  readonly receiver: BackendReceiver;
}

/** How a call reaches the backend. */
export interface CallTransport {
  readonly readyEvent: 'connect' | 'secureConnect';
  open(options: RequestOptions, pool: { readonly pooled: boolean }): ClientRequest;
}

/** Tells its receiver exactly one head or one failure; is itself the sink of the request body. */
export class BackendCall implements BodySink {
  onDrain: (() => void) | undefined;
  readonly #parts: CallParts;
  readonly #options: BackendOptions;
  readonly #transport: CallTransport;
  #outgoing: ClientRequest | undefined;
  #relay: ResponseRelay | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #headTimer: NodeJS.Timeout | undefined;
  #bytesReadBefore = 0;
  #bodyRequested = false;
  #bodyTouched = false;
  #bodyEnded = false;
  #retried = false;
  /** No more of the body is wanted and the receiver hears nothing more. */
  #over = false;

  constructor(parts: CallParts, options: BackendOptions, transport: CallTransport) {
    this.#parts = parts;
    this.#options = options;
    this.#transport = transport;
  }

  /** Opens the first attempt. */
  start(): void {
    this.#open({ pooled: true });
  }

  /** Destroys the backend connection at once and silences the receiver. */
  cancel(): void {
    this.#relay?.cancel();
    this.#finish();
    this.#outgoing?.destroy();
  }

  #open(pool: { readonly pooled: boolean }): void {
    const { request, body } = this.#parts;
    const outgoing = this.#transport.open(
      {
        method: request.method,
        path: request.target,
        headers: backendFields(request, body.length),
        maxHeaderSize: this.#options.maxHeaderBytes,
        insecureHTTPParser: false,
      },
      pool,
    );
    this.#outgoing = outgoing;
    outgoing.maxHeadersCount = 0; // node:http would drop fields beyond it silently
    outgoing.once('socket', (socket) => this.#onSocket(outgoing, socket));
    outgoing.on('drain', () => this.#onRequestDrain());
    outgoing.on('information', ({ statusCode, rawHeaders }) => {
      if (!this.#over && statusCode !== 100)
        this.#parts.receiver.onInformational(statusCode, endToEndFields(rawHeaders));
    });
    outgoing.once('response', (message) => this.#onResponse(message));
    // RFC 9110 §15.2.2: 101 only answers an Upgrade, and none is ever sent.
    outgoing.once('upgrade', (_message, socket) => {
      socket.destroy();
      this.#fail('backend_protocol_error', new Error('the backend switched protocols unasked'));
    });
    outgoing.on('error', (error) => this.#onError(outgoing, error));
    if (body.length === 0) this.end();
  }

  #onSocket(outgoing: ClientRequest, socket: Socket): void {
    if (this.#over) return;
    this.#bytesReadBefore = socket.bytesRead;
    if (outgoing.reusedSocket) return this.#onReady();
    this.#connectTimer = setTimeout(() => {
      this.#fail('backend_timeout', new Error(`no connection within ${this.#options.connectTimeoutMs} ms`));
    }, this.#options.connectTimeoutMs);
    socket.once(this.#transport.readyEvent, () => this.#onReady());
  }

  /** The body is asked for only now, so that nothing of it is lost on a backend that cannot be reached. */
  #onReady(): void {
    clearTimeout(this.#connectTimer);
    if (this.#over || this.#parts.body.length === 0) return;
    if (!this.#bodyRequested) {
      this.#bodyRequested = true;
      this.#parts.body.deliverTo(this);
    }
    // The backend may answer before a slow body has begun: let it see the head.
    setImmediate(() => {
      if (!this.#over && !this.#bodyTouched && this.#outgoing !== undefined) flushHead(this.#outgoing);
    });
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#outgoing === undefined || chunk.length === 0) return true;
    this.#bodyTouched = true;
    const more = this.#outgoing.write(chunk);
    if (!more) this.#expectBackend();
    return more;
  }

  end(): void {
    if (this.#over) return;
    if (this.#parts.body.length !== 0) this.#bodyTouched = true;
    this.#bodyEnded = true;
    this.#expectBackend();
    this.#outgoing?.end();
  }

  /** The request body broke off: the backend must never take what it has for a whole request. */
  abort(failure: BodyFailure): void {
    if (this.#over) return;
    if (this.#relay === undefined) {
      this.#fail(failure, undefined);
    } else {
      this.#relay.abort(failure);
      this.#finish();
      this.#outgoing?.destroy();
    }
  }

  #onRequestDrain(): void {
    if (!this.#bodyEnded) clearTimeout(this.#headTimer);
    this.onDrain?.();
  }

  /** Runs while it is the backend's turn: to read what is queued, or to answer. Never while the client is slow. */
  #expectBackend(): void {
    clearTimeout(this.#headTimer);
    if (this.#relay !== undefined) return;
    this.#headTimer = setTimeout(() => {
      this.#fail('backend_timeout', new Error(`no response head within ${this.#options.headTimeoutMs} ms`));
    }, this.#options.headTimeoutMs);
  }

  #onResponse(message: IncomingMessage): void {
    if (this.#over) return;
    clearTimeout(this.#headTimer);
    message.on('error', () => undefined); // told by 'close' below; an unheard 'error' would end the process
    const head = checkResponseHead({
      status: message.statusCode ?? 0,
      reason: message.statusMessage ?? '',
      httpVersion: message.httpVersion,
      fields: message.rawHeaders,
    });
    if ('fault' in head) return this.#fail('backend_protocol_error', new Error(`the response has ${head.fault}`));
    this.#relay = new ResponseRelay(message, head.length, (complete) => this.#onResponseOver(complete));
    this.#relay.start(this.#parts.receiver.onHead(head));
  }

  /** A connection whose request is unfinished, or whose response broke off, cannot be used again. */
  #onResponseOver(complete: boolean): void {
    const reusable = complete && this.#bodyEnded;
    this.#finish();
    if (!reusable) this.#outgoing?.destroy();
  }

  #onError(outgoing: ClientRequest, error: Error): void {
    if (this.#over || outgoing !== this.#outgoing) return;
    if (this.#relay !== undefined) {
      this.#relay.abort('backend_closed');
      this.#finish();
      return;
    }
    const answered = (outgoing.socket?.bytesRead ?? 0) > this.#bytesReadBefore;
    if (outgoing.reusedSocket && !answered && this.#repeatable) {
      this.#retried = true;
      this.#open({ pooled: false });
      return;
    }
    this.#fail(classifyBackendError(error, answered), error);
  }

  /** RFC 9110 §9.2.2: a request may be repeated if it is idempotent, or if it cannot have reached the backend whole. */
  get #repeatable(): boolean {
    if (this.#retried || this.#bodyTouched) return false;
    return this.#parts.body.length !== 0 || isIdempotent(this.#parts.request.method);
  }

  #fail(failure: BackendFailure, cause: Error | undefined): void {
    if (this.#over) return;
    this.#finish();
    this.#outgoing?.destroy();
    this.#parts.receiver.onFailure(failure, cause);
  }

  #finish(): void {
    this.#over = true;
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#headTimer);
    // A body still coming flows on into `write`, which drops it: the client's connection can then be kept.
    this.onDrain?.();
  }
}
