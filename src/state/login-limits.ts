/** What one address may ask of the login: anybody can call it, and it is one thread. RFC 6585 §4, RFC 7591 §5. */
import { MAX_IN_FLIGHT } from './login-channel.ts';
import { MemoryRateLimiter } from './rate-limiter.ts';

/** A minute, of one address. */
export interface LoginRates {
  /** Registrations and authorization requests. */
  readonly beginnings: number;
  /** Requests for the consent page, its answers, and returns from the IdP. */
  readonly pages: number;
}

/** Of one address, and of all: what waits for the IdP must leave room for what does not. */
interface Bounds {
  readonly rate?: keyof LoginRates;
  readonly inFlight: number;
  readonly inFlightOfAll: number;
}

const OF_ALL = (MAX_IN_FLIGHT * 3) / 4;

const KINDS = {
  /** These need nothing but the will to call them. */
  begin: { rate: 'beginnings', inFlight: 8, inFlightOfAll: OF_ALL },
  /** Each makes Obex ask the IdP, or shows a page. */
  walk: { rate: 'pages', inFlight: 8, inFlightOfAll: OF_ALL },
  /** Whole offices share an address, and their clients refresh. */
  token: { inFlight: 24, inFlightOfAll: OF_ALL },
  /** Documents, which cost nothing. */
  read: { inFlight: MAX_IN_FLIGHT / 4, inFlightOfAll: MAX_IN_FLIGHT },
} satisfies Readonly<Record<string, Bounds>>;

const KIND_OF: ReadonlyMap<string, keyof typeof KINDS> = new Map([
  ['/oauth/register', 'begin'],
  ['/oauth/authorize', 'begin'],
  ['/oauth/consent', 'walk'],
  ['/oauth/callback', 'walk'],
  ['/oauth/token', 'token'],
  ['/oauth/revoke', 'token'],
]);

/** A slot is free again as soon as the thread has answered. */
const WAIT_FOR_SLOT_MS = 1_000;

/** RFC 6177: whoever is given a /48 has 65,536 times what an address counts as, a /64, and may not have as many times the rate. */
const NETWORK_FACTOR = 4;

export class LoginLimits {
  #rates: Rates;
  /** By kind and address. */
  readonly #inFlight = new Map<string, number>();
  readonly #inFlightOfAll = new Map<string, number>();

  constructor(rates: LoginRates) {
    this.#rates = toRates(rates);
  }

  /** From now on. A rate that stays the same keeps what was used up. */
  set rates(rates: LoginRates) {
    this.#rates = toRates(rates, this.#rates);
  }

  /** 0: it may go on, and `leave` is to be called at its end. Else the milliseconds to wait. `key`: see `rateLimitKey`. */
  enter(path: string, key: string, nowMs: number): number {
    const kind = kindOf(path);
    const slot = `${kind} ${key}`;
    const taken = this.#inFlight.get(slot) ?? 0;
    const takenOfAll = this.#inFlightOfAll.get(kind) ?? 0;
    const { rate, inFlight, inFlightOfAll }: Bounds = KINDS[kind];
    if (taken >= inFlight || takenOfAll >= inFlightOfAll) return WAIT_FOR_SLOT_MS;
    const waitMs = rate === undefined ? 0 : this.#rates[rate].charge(key, nowMs);
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

type Rates = Readonly<Record<keyof LoginRates, Rate>>;

function toRates({ beginnings, pages }: LoginRates, before?: Rates): Rates {
  return { beginnings: toRate(beginnings, before?.beginnings), pages: toRate(pages, before?.pages) };
}

function toRate(aMinute: number, before: Rate | undefined): Rate {
  return before?.aMinute === aMinute ? before : new Rate(aMinute);
}

/** Of addresses, and of the networks that hold them. */
class Rate {
  readonly aMinute: number;
  readonly #addresses: MemoryRateLimiter;
  readonly #networks: MemoryRateLimiter;

  constructor(aMinute: number) {
    this.aMinute = aMinute;
    this.#addresses = aMinuteEach(aMinute);
    this.#networks = aMinuteEach(aMinute * NETWORK_FACTOR);
  }

  charge(key: string, nowMs: number): number {
    const network = networkOf(key);
    if (network === undefined) return this.#addresses.charge(key, nowMs);
    const networkWaitMs = this.#networks.charge(network, nowMs);
    if (networkWaitMs > 0) return networkWaitMs;
    const waitMs = this.#addresses.charge(key, nowMs);
    if (waitMs > 0) this.#networks.refund(network);
    return waitMs;
  }
}

function aMinuteEach(burst: number): MemoryRateLimiter {
  return new MemoryRateLimiter({ requestsPerSecond: burst / 60, burst });
}

/** `2001:db8:1:2::/64` → its /48; undefined for IPv4. */
function networkOf(key: string): string | undefined {
  return key.endsWith('::/64') ? key.split(':').slice(0, 3).join(':') : undefined;
}

function kindOf(path: string): keyof typeof KINDS {
  return KIND_OF.get(path) ?? 'read';
}
