/** Event streams that are open, and what each rests on: it ends with the key of its token, or with the token. RFC 9068 §4. */
import type { Principal } from '../oauth/principal.ts';
import type { FieldLines, RequestHead } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { acceptsEventStream, type EventStream } from './event-stream.ts';

/** What an open stream rests on. */
export interface StreamTerm {
  readonly principal: Principal;
  /** Wall-clock time from which on it ends; Infinity = the token's end is not that of the stream. */
  readonly endsAtMs: number;
}

/** Why streams have ended. */
export type StreamsEnd = 'withdrawn' | 'token_expired' | 'server_removed';

export interface OpenStreamsOptions {
  readonly nowMs: () => number;
  readonly onEnding: (why: StreamsEnd, streams: number) => void;
}

/** How often streams are compared with the clock, as long as there is one that ends by it. */
const SWEEP_MS = 1_000;
/** How long a stream may take to reach its next boundary. */
const BOUNDARY_GRACE_MS = 2_000;

export class OpenStreams {
  readonly #options: OpenStreamsOptions;
  readonly #open = new Map<EventStream, StreamTerm>();
  /** Asked to end, and not at a boundary yet. */
  readonly #ending = new Set<EventStream>();
  /** Until a runtime judges. */
  #isFounded = (_principal: Principal): boolean => true;
  /** How many end by the clock. */
  #mortal = 0;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
  }

  /** The key of its token may have gone while the backend was thinking: then the stream ends before its first event. */
  add(stream: EventStream, term: StreamTerm): void {
    this.#open.set(stream, term);
    if (term.endsAtMs !== Number.POSITIVE_INFINITY) {
      this.#mortal += 1;
      this.#sweep ??= setInterval(() => this.#endExpired(), SWEEP_MS).unref();
    }
    if (!this.#isFounded(term.principal)) this.#end('withdrawn', [stream]);
  }

  /** False if it was not open. */
  remove(stream: EventStream): boolean {
    const term = this.#open.get(stream);
    if (term === undefined) return false;
    this.#open.delete(stream);
    this.#ending.delete(stream);
    if (term.endsAtMs !== Number.POSITIVE_INFINITY) this.#mortal -= 1;
    if (this.#mortal === 0) this.#stopSweep();
    return true;
  }

  /** Ends every stream at its next boundary; what stays open is for the caller to cut. */
  finishAll(): void {
    for (const stream of this.#open.keys()) stream.finish();
  }

  /** The server is no more: ends every stream, at its next boundary if that comes soon. */
  endAll(): void {
    this.#end(
      'server_removed',
      this.#openWhere(() => true),
    );
  }

  /** From now on `isFounded` tells whose token would still be good but for its age. */
  judgeBy(isFounded: (principal: Principal) => boolean): void {
    this.#isFounded = isFounded;
    this.endUnfounded();
  }

  /** Keys have changed: ends the streams whose token rests on one that has gone. */
  endUnfounded(): void {
    const isOver = ({ principal }: StreamTerm): boolean => !this.#isFounded(principal);
    this.#end('withdrawn', this.#openWhere(isOver));
  }

  #endExpired(): void {
    const nowMs = this.#options.nowMs();
    this.#end(
      'token_expired',
      this.#openWhere(({ endsAtMs }) => nowMs >= endsAtMs),
    );
  }

  #openWhere(isOver: (term: StreamTerm) => boolean): readonly EventStream[] {
    return [...this.#open]
      .filter(([stream, term]) => !this.#ending.has(stream) && isOver(term))
      .map(([stream]) => stream);
  }

  #end(why: StreamsEnd, streams: readonly EventStream[]): void {
    if (streams.length === 0) return;
    this.#options.onEnding(why, streams.length);
    for (const stream of streams) {
      this.#ending.add(stream);
      stream.finish();
    }
    // One for all that end now: those that have gone by then are not in the set any more.
    setTimeout(() => this.#cut(streams), BOUNDARY_GRACE_MS).unref();
  }

  #cut(streams: readonly EventStream[]): void {
    for (const stream of streams) if (this.#ending.has(stream)) stream.cut();
  }

  #stopSweep(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}

/** A stream on which a server speaks first: a GET, or the answer to `subscriptions/listen` (MCP 2026-07-28). */
export function isSubscription({ method, fields }: RequestHead): boolean {
  return method === 'GET' || isListening(fields);
}

/** A request for nothing but a stream. A GET may be for a document. */
export function asksForStream({ method, fields }: RequestHead): boolean {
  return method === 'GET' ? acceptsEventStream(fields) : isListening(fields);
}

function isListening(fields: FieldLines): boolean {
  return fieldValues(fields, 'mcp-method').includes('subscriptions/listen');
}
