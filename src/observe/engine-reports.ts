/** What goes wrong in the HTTP engine beside requests: counted, and told in the event log, where nobody can flood it. */
import type { Clock } from '../lib/clock.ts';
import type { AcceptFailure, HandshakeFailure } from './engine-metrics.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** Between two events of one name at level warn or error: clients may cause as many as they like. */
const PAUSE_MS = 1000;
/** Of a stack: the line of the error, then where it was thrown. */
const FRAMES = /^ {4}at .*$/gm;

interface Reported {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** How many happened of something, between one event and the next. */
class Pace {
  #count = 0;
  #nextMs = Number.NEGATIVE_INFINITY;

  /** How many there were since the last event, with this one; undefined when it is too soon for another. */
  next(nowMs: number): number | undefined {
    this.#count += 1;
    if (nowMs < this.#nextMs) return undefined;
    this.#nextMs = nowMs + PAUSE_MS;
    const count = this.#count;
    this.#count = 0;
    return count;
  }
}

export class EngineReports {
  readonly #parts: Reported;
  readonly #bugs = new Pace();
  readonly #acceptFailures = new Pace();

  constructor(parts: Reported) {
    this.#parts = parts;
  }

  /** Where it was thrown, and not what it says: the text of an error may quote what a client sent. */
  onBug(error: unknown): void {
    const { clock, metrics, log } = this.#parts;
    metrics.engine.bug();
    const count = this.#bugs.next(clock.monotonicMs());
    if (count === undefined) return;
    const isError = error instanceof Error;
    log.error('bug', {
      error: isError ? error.name : typeof error,
      code: isError && 'code' in error ? error.code : undefined,
      stack: isError ? error.stack?.match(FRAMES)?.join('\n') : undefined,
      count,
    });
  }

  onAcceptFailure(reason: AcceptFailure, code: string | undefined): void {
    const { clock, metrics, log } = this.#parts;
    metrics.engine.acceptFailed(reason);
    const count = this.#acceptFailures.next(clock.monotonicMs());
    if (count !== undefined) log.warn('accept_failed', { reason, code, count });
  }

  onHandshakeFailure(reason: HandshakeFailure, code: string | undefined): void {
    this.#parts.metrics.engine.handshakeFailed(reason);
    this.#parts.log.debug('tls_handshake_failed', { reason, code });
  }
}
