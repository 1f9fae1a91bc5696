/** One request to the backend and its answer back to the client. RFC 9110 §7.6. */
import type { Tally } from '../lib/tally.ts';
import { type Denial, deny } from '../oauth/denial.ts';
import type { BackendCall, BackendClient, BackendFailure, BackendReceiver } from '../wire/backend.ts';
import type { BodySink, Exchange, FieldLines, ResponseHead } from '../wire/exchange.ts';
import { toDenial } from './backend-failure.ts';
import type { FormatBackendFields, Vouched } from './backend-headers.ts';
import { acceptsEventStream, EventStream, isCoded, isEventStream } from './event-stream.ts';
import { countForward } from './max-forwards.ts';
import { type FormatClientFields, formatClientHead } from './response-headers.ts';

export interface ForwardOptions {
  readonly backend: BackendClient;
  readonly formatBackendFields: FormatBackendFields;
  readonly formatClientFields: FormatClientFields;
  /** Requests in flight; more are refused. */
  readonly maxRequests: number;
  /** Outlives a reload, so that limits and drain hold for the whole process. */
  readonly inFlight: InFlight;
}

export interface InFlightOptions {
  readonly backendRequests: Tally;
  readonly eventStreams: Tally;
  /** Hears how many event streams the process has open, whenever that changes. */
  readonly onEventStreams: (open: number) => void;
}

/** Requests that are at the backend now, counted for the whole process, and the event streams of this thread. */
export class InFlight {
  readonly requests: Tally;
  readonly #streamTally: Tally;
  readonly #onEventStreams: (open: number) => void;
  readonly #eventStreams = new Set<EventStream>();

  constructor({ backendRequests, eventStreams, onEventStreams }: InFlightOptions) {
    this.requests = backendRequests;
    this.#streamTally = eventStreams;
    this.#onEventStreams = onEventStreams;
  }

  addEventStream(stream: EventStream): void {
    this.#eventStreams.add(stream);
    this.#onEventStreams(this.#streamTally.add());
  }

  removeEventStream(stream: EventStream): void {
    if (this.#eventStreams.delete(stream)) this.#onEventStreams(this.#streamTally.remove());
  }

  /** Ends every open event stream at the next boundary between events. */
  finishEventStreams(): void {
    for (const stream of this.#eventStreams) stream.finish();
  }
}

/** The request's life: what it knows of the request, and what it needs to hear. */
export interface ForwardedRequest {
  readonly exchange: Exchange;
  readonly vouched: Vouched;
  /** Fields that stand on every answer to this request: request id, CORS. */
  readonly ownFields: FieldLines;
  /** The head of the answer leaves. Exactly one of this and `refuse` is called, unless the client is gone. */
  responding(status: number): void;
  refuse(denial: Denial): void;
}

/** The way to one backend. */
export class Forwarder {
  readonly #options: ForwardOptions;

  constructor(options: ForwardOptions) {
    this.#options = options;
  }

  get inFlight(): InFlight {
    return this.#options.inFlight;
  }

  /** Sends the request on, or refuses it. */
  forward(request: ForwardedRequest): Forwarding | undefined {
    const { backend, inFlight, maxRequests, formatBackendFields } = this.#options;
    if (!inFlight.requests.addUpTo(maxRequests)) {
      request.refuse(deny('overloaded', { expected: `at most ${maxRequests} requests in flight` }));
      return undefined;
    }
    const { head, body } = request.exchange;
    const { method, target } = head;
    const fields = method === 'OPTIONS' ? countForward(head.fields) : head.fields;
    const mayWait = method === 'GET' && acceptsEventStream(head.fields);
    const backendRequest = { method, target, mayWait, ...formatBackendFields(fields, request.vouched) };
    return new Forwarding(request, this.#options, (receiver) => backend.send(backendRequest, body, receiver));
  }
}

/** One request on its way to the backend, and its answer on the way back: no more than lasts as long as the answer does. */
export class Forwarding implements BackendReceiver {
  readonly #request: ForwardedRequest;
  readonly #options: ForwardOptions;
  readonly #call: BackendCall;
  #stream: EventStream | undefined = undefined;

  constructor(request: ForwardedRequest, options: ForwardOptions, send: (receiver: BackendReceiver) => BackendCall) {
    this.#request = request;
    this.#options = options;
    this.#call = send(this);
  }

  onInformational(status: number, fields: FieldLines): void {
    this.#request.exchange.inform(status, this.#options.formatClientFields(fields));
  }

  onHead(head: ResponseHead): BodySink | undefined {
    const request = this.#request;
    // The backend refused what Obex sent as its own credentials: a mistake of the operator, nothing a client can mend.
    if (head.status === 401) {
      request.refuse(deny('backend_rejected_credentials', { detail: 'the backend answered 401' }));
      return undefined;
    }
    request.responding(head.status);
    const clientHead = formatClientHead(head, request.ownFields, this.#options.formatClientFields);
    const sink = request.exchange.respond(clientHead);
    if (!isEventStream(head.fields)) return sink;
    this.#stream = new EventStream(sink, this.#call, isCoded(head.fields));
    this.#options.inFlight.addEventStream(this.#stream);
    return this.#stream;
  }

  onFailure(failure: BackendFailure, cause: Error | undefined): void {
    const denial = toDenial(failure, cause);
    if (denial !== undefined) this.#request.refuse(denial);
  }

  /** To be called once, when the exchange is over; aborts what still runs. */
  end(): void {
    const { inFlight } = this.#options;
    inFlight.requests.remove();
    if (this.#stream !== undefined) inFlight.removeEventStream(this.#stream);
    this.#call.cancel();
  }
}
