/** Requests on their way to the thread that answers `/oauth/*`, and its answers: as messages, bounded in number and in time. */
import type { LoginEvent } from '../observe/login-metrics.ts';
import type { FieldLines } from '../wire/exchange.ts';

/** A request as the authorization server sees it. */
export interface LoginRequest {
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly target: string;
  /** Names in lower case, each once. */
  readonly fields: FieldLines;
  readonly body: Uint8Array;
  readonly clientAddress: string;
  readonly requestId: string;
}

export interface LoginAnswer {
  readonly status: number;
  readonly fields: FieldLines;
  readonly body: Uint8Array;
  /** For `/metrics`: what has ended with this answer. */
  readonly event?: LoginEvent;
  /** For `/metrics`: what operations of the store have taken since the answer before. */
  readonly storeSeconds?: readonly number[];
}

/** Why there is no answer. */
export type LoginFailure =
  /** Too many in flight; nothing in time; no thread; a bug, which the thread has logged. */
  | { readonly failed: 'busy' | 'late' | 'down' | 'bug' }
  /** The address has used up what it may. */
  | { readonly failed: 'limited'; readonly waitMs: number };

export type LoginOutcome = LoginAnswer | LoginFailure;

/** Hands a request to whoever answers it; never rejects. */
export type AskLogin = (request: LoginRequest) => Promise<LoginOutcome>;

/** What goes to the other thread. */
export interface LoginQuestion {
  readonly id: number;
  readonly request: LoginRequest;
}

/** What comes back. */
export interface LoginReply {
  readonly id: number;
  readonly outcome: LoginOutcome;
}

export function isFailure(outcome: LoginOutcome): outcome is LoginFailure {
  return 'failed' in outcome;
}

export const MAX_IN_FLIGHT = 64;
const DEADLINE_MS = 30_000;

interface Waiting {
  readonly resolve: (outcome: LoginOutcome) => void;
  readonly deadline: NodeJS.Timeout;
}

/** One end of the line to one thread. */
export class LoginChannel {
  readonly #post: (question: LoginQuestion) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #isClosed = false;

  /** `post` sends to the other thread. */
  constructor(post: (question: LoginQuestion) => void) {
    this.#post = post;
  }

  readonly ask: AskLogin = (request) => {
    if (this.#isClosed) return Promise.resolve({ failed: 'down' });
    if (this.#waiting.size >= MAX_IN_FLIGHT) return Promise.resolve({ failed: 'busy' });
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<LoginOutcome>();
    const deadline = setTimeout(() => this.#settle(id, { failed: 'late' }), DEADLINE_MS).unref();
    this.#waiting.set(id, { resolve, deadline });
    this.#post({ id, request });
    return promise;
  };

  /** An answer that comes too late goes nowhere. */
  receive({ id, outcome }: LoginReply): void {
    this.#settle(id, outcome);
  }

  /** The thread is gone: nothing more will come, and nothing more is sent. */
  close(): void {
    this.#isClosed = true;
    for (const id of this.#waiting.keys()) this.#settle(id, { failed: 'down' });
  }

  #settle(id: number, outcome: LoginOutcome): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.deadline);
    waiting.resolve(outcome);
  }
}
