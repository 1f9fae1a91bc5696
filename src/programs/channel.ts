/** Messages to a client in their order, over one connection after the other: the answer to a POST, or what belongs to none. */
import type { EventOwner, EventStore } from './event-store.ts';
import type { SseStream } from './sse-stream.ts';

/** Several connections may wait for what belongs to no request; a client that reconnects leaves old ones behind. */
const MAX_STREAMS = 4;

export class Channel implements EventOwner {
  readonly number: number;
  readonly #store: EventStore;
  /** The latest last; it gets what comes. */
  #streams: SseStream[] = [];
  /** Highest of the events that are kept no longer. */
  #forgotten = 0;
  /** Of the last message. */
  #last = 0;
  /** Highest that a connection was given. */
  #delivered = 0;
  /** Of the last event; behind it nothing comes. */
  #completeAt: number | undefined;
  readonly #onDiscarded: () => void;

  /** `onDiscarded`: it is complete, and nothing of it is kept any more. */
  constructor(number: number, store: EventStore, onDiscarded: () => void) {
    this.number = number;
    this.#store = store;
    this.#onDiscarded = onDiscarded;
  }

  /** Somebody has been told how to come back. */
  get isKnown(): boolean {
    return this.#delivered > 0;
  }

  get isHeard(): boolean {
    return this.#current !== undefined;
  }

  send(json: Buffer): void {
    const sequence = this.#store.add(this, json);
    this.#last = sequence;
    const stream = this.#current;
    if (stream === undefined) return;
    this.#delivered = sequence;
    stream.message(json, this.#eventId(sequence));
  }

  /** First what no connection has been given. `isPrimed`: the client knows events without data. */
  open(stream: SseStream, isPrimed: boolean): void {
    const before = this.#delivered;
    this.#attach(stream);
    this.#replay(stream, before);
    if (!isPrimed || this.#delivered > before) return;
    const sequence = this.#store.next();
    this.#delivered = sequence;
    stream.prime(this.#eventId(sequence));
  }

  /** Whether all behind `sequence` is still there. */
  canResume(sequence: number): boolean {
    return sequence >= this.#forgotten;
  }

  /** All behind `sequence`, and then what comes. */
  resume(stream: SseStream, sequence: number): void {
    this.#attach(stream);
    this.#replay(stream, sequence);
    if (this.#completeAt !== undefined) this.#endStreams();
  }

  /** No more messages. */
  complete(): void {
    this.#completeAt = this.#last;
    this.#endStreams();
    if (this.#forgotten < this.#last && this.isKnown) return;
    if (this.#last > 0) this.#store.forget(this);
    this.#onDiscarded();
  }

  onForgotten(sequence: number): void {
    // One that is too large is forgotten before those that came earlier.
    this.#forgotten = Math.max(this.#forgotten, sequence);
    if (sequence === this.#completeAt) this.#onDiscarded();
  }

  get #current(): SseStream | undefined {
    this.#streams = this.#streams.filter(({ isOver }) => !isOver);
    return this.#streams.at(-1);
  }

  #attach(stream: SseStream): void {
    this.#streams.push(stream);
    if (this.#streams.length > MAX_STREAMS) this.#streams.shift()?.end();
  }

  #replay(stream: SseStream, after: number): void {
    for (const { sequence, json } of this.#store.after(this, after)) {
      this.#delivered = Math.max(this.#delivered, sequence);
      stream.message(json, this.#eventId(sequence));
    }
  }

  #endStreams(): void {
    for (const stream of this.#streams.splice(0)) stream.end();
  }

  #eventId(sequence: number): string {
    return `${this.number}-${sequence}`;
  }
}

/** Of a Last-Event-ID; undefined for one that is none of ours. */
export function readEventId(text: string): { readonly channel: number; readonly sequence: number } | undefined {
  const [, channel, sequence] = /^(\d{1,15})-(\d{1,15})$/.exec(text) ?? [];
  return channel === undefined || sequence === undefined
    ? undefined
    : { channel: Number(channel), sequence: Number(sequence) };
}
