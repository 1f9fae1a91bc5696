/** Commands on their way to the login thread, and what came of them: few at once, none for ever. */
import type { CommandFailure, CommandLogin, LoginCommand, LoginCommandOutcome } from '../state/login-control.ts';

/** A person types them. */
const MAX_IN_FLIGHT = 4;
/** To end 200,000 families takes a while. */
const DEADLINE_MS = 60_000;

interface Waiting {
  readonly resolve: (outcome: LoginCommandOutcome) => void;
  readonly deadline: NodeJS.Timeout;
}

/** Of one life of the thread. */
export class LoginCommands {
  readonly #post: (id: number, command: LoginCommand) => void;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #isClosed = false;

  constructor(post: (id: number, command: LoginCommand) => void) {
    this.#post = post;
  }

  readonly ask: CommandLogin = (command) => {
    if (this.#isClosed) return Promise.resolve(failed('down'));
    if (this.#waiting.size >= MAX_IN_FLIGHT) return Promise.resolve(failed('busy'));
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<LoginCommandOutcome>();
    const deadline = setTimeout(() => this.receive(id, failed('late')), DEADLINE_MS).unref();
    this.#waiting.set(id, { resolve, deadline });
    this.#post(id, command);
    return promise;
  };

  /** One that comes too late goes nowhere. */
  receive(id: number, outcome: LoginCommandOutcome): void {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.deadline);
    waiting.resolve(outcome);
  }

  /** The thread is gone. */
  close(): void {
    this.#isClosed = true;
    for (const id of this.#waiting.keys()) this.receive(id, failed('down'));
  }
}

function failed(why: CommandFailure): LoginCommandOutcome {
  return { kind: 'failed', why };
}
