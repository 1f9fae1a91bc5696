/** What one address may ask of the login: anybody can call it, and it is one thread. RFC 6585 §4, RFC 7591 §5. */
import { MAX_IN_FLIGHT } from './login-channel.ts';
import { MemoryRateLimiter } from './rate-limiter.ts';

/** These need nothing but the will to call them, and each leaves something behind. */
const BEGINNINGS: ReadonlySet<string> = new Set(['/oauth/register', '/oauth/authorize']);
const BEGINNINGS_A_MINUTE = 60;
const MAX_BEGINNINGS_IN_FLIGHT = 8;
/** Of all that the thread takes, so that no address takes all. */
const MAX_OTHERS_IN_FLIGHT = MAX_IN_FLIGHT / 2;
/** A slot is free again as soon as the thread has answered. */
const WAIT_FOR_SLOT_MS = 1_000;

export class LoginLimits {
  readonly #beginnings = new MemoryRateLimiter({
    requestsPerSecond: BEGINNINGS_A_MINUTE / 60,
    burst: BEGINNINGS_A_MINUTE,
  });
  readonly #inFlight = new Map<string, number>();

  /** 0: it may go on, and `leave` is to be called at its end. Else the milliseconds to wait. `key` stands for the address. */
  enter(path: string, key: string, nowMs: number): number {
    const isBeginning = BEGINNINGS.has(path);
    const slot = slotOf(isBeginning, key);
    const taken = this.#inFlight.get(slot) ?? 0;
    if (taken >= (isBeginning ? MAX_BEGINNINGS_IN_FLIGHT : MAX_OTHERS_IN_FLIGHT)) return WAIT_FOR_SLOT_MS;
    const waitMs = isBeginning ? this.#beginnings.charge(key, nowMs) : 0;
    if (waitMs === 0) this.#inFlight.set(slot, taken + 1);
    return waitMs;
  }

  leave(path: string, key: string): void {
    const slot = slotOf(BEGINNINGS.has(path), key);
    const taken = this.#inFlight.get(slot) ?? 0;
    if (taken > 1) this.#inFlight.set(slot, taken - 1);
    else this.#inFlight.delete(slot);
  }
}

function slotOf(isBeginning: boolean, key: string): string {
  return isBeginning ? `begin ${key}` : key;
}
