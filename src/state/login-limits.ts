/** What one address may ask of the login: anybody can call it, and it is one thread. RFC 6585 §4, RFC 7591 §5. */
import { MAX_IN_FLIGHT } from './login-channel.ts';
import { MemoryRateLimiter } from './rate-limiter.ts';

/** In one address, and of all: what waits for the IdP must leave room for what does not. */
interface Bounds {
  readonly aMinute: number | undefined;
  readonly inFlight: number;
  readonly inFlightOfAll: number;
}

const OF_ALL = (MAX_IN_FLIGHT * 3) / 4;

const KINDS = {
  /** These need nothing but the will to call them, and each leaves something behind. */
  begin: { aMinute: 60, inFlight: 8, inFlightOfAll: OF_ALL },
  /** Each makes Obex ask the IdP, or shows a page. */
  walk: { aMinute: 240, inFlight: 8, inFlightOfAll: OF_ALL },
  /** Whole offices share an address, and their clients refresh. */
  token: { aMinute: undefined, inFlight: 24, inFlightOfAll: OF_ALL },
  /** Documents, which cost nothing. */
  read: { aMinute: undefined, inFlight: MAX_IN_FLIGHT / 4, inFlightOfAll: MAX_IN_FLIGHT },
} as const satisfies Readonly<Record<string, Bounds>>;

type Kind = keyof typeof KINDS;

const KIND_OF: ReadonlyMap<string, Kind> = new Map([
  ['/oauth/register', 'begin'],
  ['/oauth/authorize', 'begin'],
  ['/oauth/consent', 'walk'],
  ['/oauth/callback', 'walk'],
  ['/oauth/token', 'token'],
  ['/oauth/revoke', 'token'],
]);

/** A slot is free again as soon as the thread has answered. */
const WAIT_FOR_SLOT_MS = 1_000;

export class LoginLimits {
  readonly #rates = new Map<Kind, MemoryRateLimiter>();
  /** By kind and address. */
  readonly #inFlight = new Map<string, number>();
  readonly #inFlightOfAll = new Map<Kind, number>();

  constructor() {
    for (const kind of ['begin', 'walk'] as const) {
      const { aMinute } = KINDS[kind];
      this.#rates.set(kind, new MemoryRateLimiter({ requestsPerSecond: aMinute / 60, burst: aMinute }));
    }
  }

  /** 0: it may go on, and `leave` is to be called at its end. Else the milliseconds to wait. `key` stands for the address. */
  enter(path: string, key: string, nowMs: number): number {
    const kind = kindOf(path);
    const slot = `${kind} ${key}`;
    const taken = this.#inFlight.get(slot) ?? 0;
    const takenOfAll = this.#inFlightOfAll.get(kind) ?? 0;
    const { inFlight, inFlightOfAll } = KINDS[kind];
    if (taken >= inFlight || takenOfAll >= inFlightOfAll) return WAIT_FOR_SLOT_MS;
    const waitMs = this.#rates.get(kind)?.charge(key, nowMs) ?? 0;
    if (waitMs > 0) return waitMs;
    this.#inFlight.set(slot, taken + 1);
    this.#inFlightOfAll.set(kind, takenOfAll + 1);
    return 0;
  }

  leave(path: string, key: string): void {
    const kind = kindOf(path);
    const slot = `${kind} ${key}`;
    const taken = this.#inFlight.get(slot) ?? 0;
    if (taken > 1) this.#inFlight.set(slot, taken - 1);
    else this.#inFlight.delete(slot);
    this.#inFlightOfAll.set(kind, Math.max(0, (this.#inFlightOfAll.get(kind) ?? 0) - 1));
  }
}

function kindOf(path: string): Kind {
  return KIND_OF.get(path) ?? 'read';
}
