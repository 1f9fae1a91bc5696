/** A login that has not ended travels in its browser, sealed: beginning one takes no room here. RFC 6265bis §4.1.3.2, RFC 6819 §4.4.1.11. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import type { FieldLines } from '../wire/exchange.ts';
import { browserCookies } from './browser-cookies.ts';
import type { ByteSeal } from './store/seal.ts';

/** `flow` = the request of a client; `state` = what its approval has begun at the IdP; `consents` = what need not be asked again. */
export type CookieUse = 'flow' | 'state' | 'consents';

export interface SealedCookiesOptions<T> {
  readonly use: CookieUse;
  readonly maxAgeSeconds: number;
  readonly seal: ByteSeal;
  readonly clock: Clock;
  /** Undefined for what is no such value. */
  readonly parse: (value: unknown) => T | undefined;
  /** False for http on loopback, where browsers keep neither `__Host-` nor Secure. */
  readonly isSecure: boolean;
}

/** What a browser has brought back. */
export interface Carried<T> {
  readonly value: T;
  /** Milliseconds of the wall clock. */
  readonly endsAtMs: number;
}

/** Two tabs are two flows, and each has cookies of its own. */
const ID_CHARACTERS = 12;
const SHORT_ID = /^[\w-]{12}$/;
/** RFC 6265bis §5.5: browsers drop what is longer than 4,096 with its name. */
const MAX_CHARACTERS = 3_900;
const MAX_TEXT_BYTES = 32_768;

/** One for each id: of a flow, or another name. */
export class SealedCookies<T> {
  readonly #options: SealedCookiesOptions<T>;
  readonly #attributes: string;
  readonly #prefix: string;

  constructor(options: SealedCookiesOptions<T>) {
    this.#options = options;
    this.#attributes = `; Path=/; HttpOnly; SameSite=Lax${options.isSecure ? '; Secure' : ''}`;
    this.#prefix = `${options.isSecure ? '__Host-' : ''}obex-${options.use}-`;
  }

  /** Its Set-Cookie field; undefined when it does not fit into one. */
  write(id: string, value: T, endsAtMs: number): FieldLines | undefined {
    const { seal, maxAgeSeconds } = this.#options;
    const text = Buffer.from(JSON.stringify({ value, endsAtMs }));
    if (text.length > MAX_TEXT_BYTES) return undefined;
    const sealed = seal.seal(this.#sealedName(id), deflateRawSync(text));
    if (sealed.length > MAX_CHARACTERS) return undefined;
    return ['Set-Cookie', `${this.nameOf(id)}=${sealed}; Max-Age=${maxAgeSeconds}${this.#attributes}`];
  }

  /** Undefined when the browser holds none of this id, two, or one that is over. */
  read(id: string, fields: FieldLines): Carried<T> | undefined {
    const [found, ...more] = browserCookies(fields).filter(({ name }) => name === this.nameOf(id));
    return found === undefined || more.length > 0 ? undefined : this.#open(id, found.value);
  }

  /** `id` may be shortened. */
  clear(id: string): FieldLines {
    return ['Set-Cookie', `${this.nameOf(id)}=; Max-Age=0${this.#attributes}`];
  }

  /** The bytes of each that the browser holds, by shortened id, in the order in which it got them. */
  held(fields: FieldLines): ReadonlyMap<string, number> {
    const held = new Map<string, number>();
    for (const { name, value } of browserCookies(fields)) {
      const id = name.slice(this.#prefix.length);
      if (!name.startsWith(this.#prefix) || !SHORT_ID.test(id)) continue;
      held.set(id, (held.get(id) ?? 0) + `${name}=${value}; `.length);
    }
    return held;
  }

  /** As much of an id as stands in names. */
  shorten(id: string): string {
    return id.slice(0, ID_CHARACTERS);
  }

  nameOf(id: string): string {
    return this.#prefix + this.shorten(id);
  }

  #open(id: string, sealed: string): Carried<T> | undefined {
    const { seal, clock, parse } = this.#options;
    const bytes = seal.unseal(this.#sealedName(id), sealed);
    if (bytes === undefined) return undefined;
    const { value, endsAtMs } = JSON.parse(inflateRawSync(bytes, { maxOutputLength: MAX_TEXT_BYTES }).toString());
    const parsed = parse(value);
    if (parsed === undefined || !(endsAtMs > clock.nowMs())) return undefined;
    return { value: parsed, endsAtMs };
  }

  /** No cookie opens as one of another use or id. */
  #sealedName(id: string): string {
    return `${this.#options.use} cookie ${id}`;
  }
}
