/** One request to the backend and its answer back to the client. RFC 9110 §7.6. */
import type { Tally } from '../lib/tally.ts';
import { type Denial, deny } from '../oauth/denial.ts';
import type { BackendClient } from '../wire/backend.ts';
import type { BodySink, Exchange, FieldLines, ResponseHead } from '../wire/exchange.ts';
import { toDenial } from './backend-failure.ts';
import type { FormatBackendFields, Vouched } from './backend-headers.ts';
import { EventStream, isEventStream } from './event-stream.ts';
import { formatClientHead, passedFields } from './response-headers.ts';

export interface ForwardOptions {
  readonly backend: BackendClient;
  readonly formatBackendFields: FormatBackendFields;
  /** Requests in flight; more are refused. */
  readonly maxRequests: number;
  /** Outlives a reload, so that limits and drain hold for the whole process. */
  readonly inFlight: InFlight;
}

/** Requests that are at the backend now, counted for the whole process, and the event streams of this thread. */
export class InFlight {
  readonly requests: Tally;
  readonly #streamTally: Tally;
  readonly #eventStreams = new Set<EventStream>();

  constructor(tallies: { readonly backendRequests: Tally; readonly eventStreams: Tally }) {
    this.requests = tallies.backendRequests;
    this.#streamTally = tallies.eventStreams;
  }

  addEventStream(stream: EventStream): void {
    this.#eventStreams.add(stream);
    this.#streamTally.add();
  }

  removeEventStream(stream: EventStream): void {
    if (this.#eventStreams.delete(stream)) this.#streamTally.remove();
  }

  /** Ends every open event stream at the next boundary between events. */
  finishEventStreams(): void {
    for (const stream of this.#eventStreams) stream.finish();
  }
}

/** What the request's life needs to hear. Exactly one of `onHead` and `onDenied` is called, unless the client is gone. */
export interface ForwardedRequest {
  readonly exchange: Exchange;
  readonly vouched: Vouched;
  /** Fields that stand on every answer to this request: request id, CORS. */
  readonly ownFields: FieldLines;
  onHead(status: number): void;
  onDenied(denial: Denial): void;
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

  /** Sends the request on. What it returns must be called once, when the exchange is over; it aborts what still runs. */
  forward(request: ForwardedRequest): () => void {
    const { exchange } = request;
    const { inFlight, maxRequests } = this.#options;
    if (!inFlight.requests.addUpTo(maxRequests)) {
      request.onDenied(deny('overloaded', { expected: `at most ${maxRequests} requests in flight` }));
      return () => {};
    }
    let stream: EventStream | undefined;
    const { method, target, fields } = exchange.head;
    const backendRequest = { method, target, ...this.#options.formatBackendFields(fields, request.vouched) };
    const cancel = this.#options.backend.send(backendRequest, exchange.body, {
      onInformational: (status, informational) => exchange.inform(status, passedFields(informational)),
      onHead: (head) => {
        if (head.status === 401) return this.#rejectedCredentials(request);
        const sink = respond(request, head);
        if (!isEventStream(head.fields)) return sink;
        stream = new EventStream(sink, () => cancel());
        inFlight.addEventStream(stream);
        return stream;
      },
      onFailure: (failure, cause) => {
        const denial = toDenial(failure, cause);
        if (denial !== undefined) request.onDenied(denial);
      },
    });
    return () => {
      inFlight.requests.remove();
      if (stream !== undefined) inFlight.removeEventStream(stream);
      cancel();
    };
  }

  /** The backend refused what Obex sent as its own credentials: a mistake of the operator, nothing a client can mend. */
  #rejectedCredentials(request: ForwardedRequest): undefined {
    request.onDenied(deny('backend_rejected_credentials', { detail: 'the backend answered 401' }));
  }
}

function respond(request: ForwardedRequest, head: ResponseHead): BodySink {
  request.onHead(head.status);
  return request.exchange.respond(formatClientHead(head, request.ownFields));
}
