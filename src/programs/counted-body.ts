/** A request body that counts as it arrives: what is announced costs nothing yet. RFC 9110 §8.6. */
import type { BodySink, RequestBody } from '../wire/exchange.ts';
import type { BodyBudget } from './body-budget.ts';

export class CountedBody implements RequestBody {
  readonly length: number | undefined;
  readonly #body: RequestBody;
  readonly #budget: BodyBudget;
  readonly #subjectKey: string;
  #held = 0;
  #isRefused = false;

  constructor(body: RequestBody, budget: BodyBudget, subjectKey: string) {
    this.length = body.length;
    this.#body = body;
    this.#budget = budget;
    this.#subjectKey = subjectKey;
  }

  /** There was no room for the rest of it. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  deliverTo(sink: BodySink): void {
    this.#body.deliverTo({
      onDrain: undefined,
      write: (chunk) => this.#isRefused || (this.#take(chunk.length) ? sink.write(chunk) : this.#refuse(sink)),
      end: () => {
        if (!this.#isRefused) sink.end();
      },
      abort: (failure) => {
        if (!this.#isRefused) sink.abort(failure);
      },
    });
  }

  /** Nothing of it is in memory any more. */
  release(): void {
    this.#budget.hold(this.#subjectKey, -this.#held);
    this.#held = 0;
  }

  #take(bytes: number): boolean {
    if (!this.#budget.hasRoom(this.#subjectKey, bytes, this.#held)) return false;
    this.#budget.hold(this.#subjectKey, bytes);
    this.#held += bytes;
    return true;
  }

  /** True: the rest is thrown away as it comes. */
  #refuse(sink: BodySink): true {
    this.#isRefused = true;
    sink.abort('payload_too_large');
    return true;
  }
}
