/** How long to leave a service alone that does not answer: as it says itself, or longer each time. RFC 9110 §10.2.3. */
import { UnexpectedStatus } from './fetch-json.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;
/** Whoever asks for more is believed for as long as this. */
const LONGEST_WAIT_MS = 3_600_000;

/** Doubles from one second to thirty; of each pause the second half is chance, so that replicas do not come back together. */
export class RetryPause {
  readonly #random: () => number;
  #nextMs = FIRST_MS;

  /** `random` returns numbers from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  next(): number {
    const longestMs = this.#nextMs;
    this.#nextMs = Math.min(2 * longestMs, LONGEST_MS);
    return (longestMs / 2) * (1 + this.#random());
  }

  reset(): void {
    this.#nextMs = FIRST_MS;
  }
}

/** RFC 6585 §4, RFC 9110 §15.6.4: the answer was about the one who asks, or about the time, and not about the question. */
export function isThrottled(error: unknown, nowMs: number): boolean {
  return statusOf(error)?.status === 429 || readRetryAfter(error, nowMs) !== undefined;
}

/** Of an error whose cause is a 429 or 503 with a readable Retry-After: for how long nothing may be asked; else undefined. */
export function readRetryAfter(error: unknown, nowMs: number): number | undefined {
  const answer = statusOf(error);
  if (answer === undefined || (answer.status !== 429 && answer.status !== 503)) return undefined;
  const waitMs = parseRetryAfter(answer.retryAfter ?? '', nowMs);
  return waitMs === undefined ? undefined : Math.min(Math.max(waitMs, FIRST_MS), LONGEST_WAIT_MS);
}

function statusOf(error: unknown): UnexpectedStatus | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof UnexpectedStatus ? cause : undefined;
}

/** delay-seconds or HTTP-date. */
function parseRetryAfter(text: string, nowMs: number): number | undefined {
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const dateMs = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN;
  return Number.isNaN(dateMs) ? undefined : dateMs - nowMs;
}
