/** Events of one session that a client may ask for again, bounded in bytes: the oldest go first. MCP 2025-11-25 transports, Resumability. */

export interface StoredEvent {
  readonly sequence: number;
  readonly json: Buffer;
}

/** Whose events they are; it hears of those that are kept no longer. */
export interface EventOwner {
  onForgotten(sequence: number): void;
}

/** What an event costs beside its bytes. */
const EVENT_BYTES = 200;

interface Kept extends StoredEvent {
  readonly owner: EventOwner;
}

export class EventStore {
  readonly #maxBytes: number;
  readonly #events = new Map<number, Kept>();
  #bytes = 0;
  #last = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A number in the order of all events of the session. */
  next(): number {
    this.#last += 1;
    return this.#last;
  }

  /** One that alone is too large is forgotten at once. */
  add(owner: EventOwner, json: Buffer): number {
    const sequence = this.next();
    const cost = json.length + EVENT_BYTES;
    if (cost > this.#maxBytes) {
      owner.onForgotten(sequence);
      return sequence;
    }
    // A copy: the line may be a view of all that was read with it.
    this.#events.set(sequence, { owner, sequence, json: Buffer.from(json) });
    this.#bytes += cost;
    for (const oldest of this.#events.values()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(oldest);
      oldest.owner.onForgotten(oldest.sequence);
    }
    return sequence;
  }

  after(owner: EventOwner, sequence: number): readonly StoredEvent[] {
    return [...this.#events.values()].filter((event) => event.owner === owner && event.sequence > sequence);
  }

  /** Nobody can ask for them any more. */
  forget(owner: EventOwner): void {
    for (const event of this.#events.values()) if (event.owner === owner) this.#remove(event);
  }

  #remove(event: Kept): void {
    this.#events.delete(event.sequence);
    this.#bytes -= event.json.length + EVENT_BYTES;
  }
}
