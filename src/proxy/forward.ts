/** One request to the backend and its answer back to the client. RFC 9110 §7.6. */
import type { Load, Loads } from '../lib/loads.ts';
import type { PartTally, Tally } from '../lib/tally.ts';
import { type Denial, deny } from '../oauth/denial.ts';
import type { Principal } from '../oauth/principal.ts';
import type { BackendCall, BackendClient, BackendFailure, BackendReceiver } from '../wire/backend.ts';
import type { BodySink, Exchange, FieldLines, RequestHead, ResponseHead } from '../wire/exchange.ts';
import { toDenial } from './backend-failure.ts';
import type { FormatBackendFields, Vouched } from './backend-headers.ts';
import { boundBody } from './bounded-body.ts';
import { EventStream, isCoded, isEventStream } from './event-stream.ts';
import { countForward } from './max-forwards.ts';
import { asksForStream, OpenStreams, type OpenStreamsOptions, type StreamTerm } from './open-streams.ts';
import type { PathTranslation } from './path-translation.ts';
import { type FormatClientFields, formatClientHead } from './response-headers.ts';

const NO_FIELDS: FieldLines = [];

export interface ForwardOptions {
  readonly backend: BackendClient;
  readonly formatBackendFields: FormatBackendFields;
  readonly formatClientFields: FormatClientFields;
  /** Undefined where paths pass as they came. */
  readonly paths: PathTranslation | undefined;
  /** Bytes of a request body; undefined where the engine lets in no more than that. */
  readonly maxBodyBytes: number | undefined;
  /** Requests in flight; more are refused. Asked for each, since connections of clients may leave fewer descriptors. */
  maxRequests(): number;
  /** Of these, what one principal may have. */
  readonly perPrincipal: PrincipalLimits;
  /** Outlives a reload, so that limits and drain hold for the whole process. */
  readonly inFlight: InFlight;
  /** Asked when an event stream begins: when it ends with its token, in wall-clock time; Infinity = not with its token. */
  streamEndsAtMs(head: RequestHead, principal: Principal): number;
}

/** What one principal may have in flight, so that it cannot take the place of all others. */
export interface PrincipalLimits {
  readonly maxRequests: number;
  /** Answers of `text/event-stream`, which are requests too; only a request for such a one is refused beyond it. */
  readonly maxStreams: number;
}

export interface InFlightOptions extends OpenStreamsOptions {
  readonly backendRequests: Tally | PartTally;
  readonly eventStreams: Tally;
  /** Undefined in phase 1, which knows no principals. */
  readonly principals: Loads | undefined;
  /** Hears how many event streams the process has open, whenever that changes. */
  readonly onEventStreams: (open: number) => void;
}

/** Requests that are at the backend now, counted for the whole process, and the event streams of this thread. */
export class InFlight {
  readonly requests: Tally | PartTally;
  /** The same, for each principal. */
  readonly principals: Loads | undefined;
  readonly #streamTally: Tally;
  readonly #onEventStreams: (open: number) => void;
  readonly streams: OpenStreams;

  constructor(options: InFlightOptions) {
    this.requests = options.backendRequests;
    this.principals = options.principals;
    this.#streamTally = options.eventStreams;
    this.#onEventStreams = options.onEventStreams;
    this.streams = new OpenStreams(options);
  }

  addEventStream(stream: EventStream, term: StreamTerm): void {
    this.#onEventStreams(this.#streamTally.add());
    this.streams.add(stream, term);
  }

  removeEventStream(stream: EventStream): void {
    if (this.streams.remove(stream)) this.#onEventStreams(this.#streamTally.remove());
  }
}

/** The request's life: what it knows of the request, and what it needs to hear. */
export interface ForwardedRequest {
  readonly exchange: Exchange;
  readonly vouched: Vouched;
  /** Who was admitted; undefined never gets here. */
  readonly principal: Principal | undefined;
  /** Issuer, client and subject, as what is counted by principal names them. */
  readonly principalKey: string;
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
    const { inFlight, perPrincipal } = this.#options;
    const maxRequests = this.#options.maxRequests();
    if (!inFlight.requests.addUpTo(maxRequests)) {
      request.refuse(deny('overloaded', { expected: `at most ${maxRequests} requests in flight` }));
      return undefined;
    }
    const load = inFlight.principals?.begin(request.principalKey, perPrincipal.maxRequests);
    if (load === undefined && inFlight.principals !== undefined) {
      inFlight.requests.remove();
      request.refuse(denyTooMany(`at most ${perPrincipal.maxRequests} requests in flight of one principal`));
      return undefined;
    }
    const forwarding = new Forwarding(request, this.#options, load);
    // Before it is sent: a call whose answer turns out to be a stream has been carried out by then, and is not refused.
    const isForStream = asksForStream(request.exchange.head);
    if (isForStream && !forwarding.countStream(perPrincipal.maxStreams)) {
      forwarding.end();
      request.refuse(denyTooMany(`at most ${perPrincipal.maxStreams} event streams of one principal`));
      return undefined;
    }
    try {
      this.#send(request, forwarding, isForStream);
    } catch (error) {
      forwarding.end();
      throw error;
    }
    return forwarding;
  }

  #send(request: ForwardedRequest, forwarding: Forwarding, isForStream: boolean): void {
    const { backend, formatBackendFields, maxBodyBytes, paths } = this.#options;
    const { head, body } = request.exchange;
    const { method } = head;
    const { target, fields: sent } = paths === undefined ? head : paths.toBackend(head);
    const fields = method === 'OPTIONS' ? countForward(sent) : sent;
    const mayWait = isForStream && method === 'GET';
    const backendRequest = { method, target, mayWait, ...formatBackendFields(fields, request.vouched) };
    const sentBody = maxBodyBytes === undefined ? body : boundBody(body, maxBodyBytes);
    forwarding.call = backend.send(backendRequest, sentBody, forwarding);
  }
}

/** Its own requests end while it waits. */
function denyTooMany(expected: string): Denial {
  return deny('too_many_in_flight', { expected }, ['Retry-After', '1']);
}

/** One request on its way to the backend, and its answer on the way back: no more than lasts as long as the answer does. */
export class Forwarding implements BackendReceiver {
  /** From when it is sent on. */
  call: BackendCall | undefined = undefined;
  readonly #request: ForwardedRequest;
  readonly #options: ForwardOptions;
  /** Where the request is counted, and the stream if it has become one. */
  readonly #load: Load | undefined;
  #isCountedStream = false;
  #stream: EventStream | undefined = undefined;

  constructor(request: ForwardedRequest, options: ForwardOptions, load: Load | undefined) {
    this.#request = request;
    this.#options = options;
    this.#load = load;
  }

  onInformational(status: number, fields: FieldLines): void {
    const { exchange } = this.#request;
    exchange.inform(status, this.#options.formatClientFields(fields, NO_FIELDS, exchange.head.target));
  }

  onHead(head: ResponseHead): BodySink | undefined {
    const request = this.#request;
    // The backend refused what Obex sent as its own credentials: a mistake of the operator, nothing a client can mend.
    if (head.status === 401) {
      request.refuse(deny('backend_rejected_credentials', { detail: 'the backend answered 401' }));
      return undefined;
    }
    const isStream = isEventStream(head.fields);
    const { principal, exchange } = request;
    const { target } = exchange.head;
    const watcher = isStream ? this.#watcherOf(exchange.head) : undefined;
    if (watcher !== undefined && isCoded(head.fields)) {
      request.refuse(deny('backend_protocol_error', { detail: 'a coded event stream, where none was asked for' }));
      return undefined;
    }
    if (isStream) this.countStream(Number.POSITIVE_INFINITY);
    request.responding(head.status);
    const fields = this.#options.formatClientFields(head.fields, request.ownFields, target);
    const clientHead = formatClientHead(head, fields);
    if (principal === undefined || !isStream) return exchange.respond(clientHead);
    // The engine keeps no fields of a request whose answer has begun.
    const term = { principal, endsAtMs: this.#options.streamEndsAtMs(exchange.head, principal) };
    this.#stream = new EventStream(exchange.respond(clientHead), this, isCoded(head.fields));
    this.#options.inFlight.addEventStream(this.#stream, term);
    return watcher?.watch(this.#stream, { requestId: request.vouched.requestId, target }) ?? this.#stream;
  }

  onFailure(failure: BackendFailure, cause: Error | undefined): void {
    // A bug in `onHead`, when the answer had begun.
    if (this.#stream !== undefined) return this.#stream.abort('backend_closed');
    const denial = toDenial(failure, cause);
    if (denial !== undefined) this.#request.refuse(denial);
  }

  /** The answer is of no more use. */
  cancel(): void {
    this.call?.cancel();
  }

  /** To be called once, when the exchange is over; aborts what still runs. */
  end(): void {
    const { inFlight } = this.#options;
    inFlight.requests.remove();
    if (this.#isCountedStream) this.#load?.removeStream();
    this.#load?.end();
    if (this.#stream !== undefined) inFlight.removeEventStream(this.#stream);
    this.cancel();
  }

  /** Who must read the events of an answer, if that is a stream. */
  #watcherOf(head: RequestHead): PathTranslation | undefined {
    const { paths } = this.#options;
    return paths?.readsEvents(head) === true ? paths : undefined;
  }

  /** Counts the request as a stream of its principal, once; false when there are `most`. */
  countStream(most: number): boolean {
    if (this.#load === undefined || this.#isCountedStream) return true;
    this.#isCountedStream = this.#load.addStream(most);
    return this.#isCountedStream;
  }
}
