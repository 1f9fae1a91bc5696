/** A login that has not ended travels in its browser, sealed: beginning one takes no room here. RFC 6265bis §4.1.3.2, RFC 6819 §4.4.1.11. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Clock } from '../lib/clock.ts';
import type { FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import type { Seal } from './store/seal.ts';

/** `flow` = the request of a client; `state` = what its approval has begun at the IdP; `consents` = what need not be asked again. */
export type CookieUse = 'flow' | 'state' | 'consents';

export interface SealedCookiesOptions<T> {
  readonly use: CookieUse;
  readonly maxAgeSeconds: number;
  readonly seal: Seal;
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
/** RFC 6265bis §5.5: browsers drop what is longer than 4,096 with its name. */
const MAX_CHARACTERS = 3_900;
/** Of one use that a browser may bring along: more, and a proxy in front would refuse its requests (nginx: 8 KB). */
const MAX_CARRIED_CHARACTERS = 3_000;
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
    const sealed = seal.sealBytes(this.#sealedName(id), deflateRawSync(text));
    if (sealed.length > MAX_CHARACTERS) return undefined;
    return ['Set-Cookie', `${this.#nameOf(id)}=${sealed}; Max-Age=${maxAgeSeconds}${this.#attributes}`];
  }

  /** Undefined when the browser holds none of this id, two, or one that is over. */
  read(id: string, fields: FieldLines): Carried<T> | undefined {
    const [found, ...more] = cookiesIn(fields).filter(([name]) => name === this.#nameOf(id));
    return found === undefined || more.length > 0 ? undefined : this.#open(id, found[1]);
  }

  clear(id: string): FieldLines {
    return this.#clearName(this.#nameOf(id));
  }

  /** Clears those that the browser got first, until there is room for one more. RFC 6265 §5.4: they come in that order. */
  makeRoom(fields: FieldLines): FieldLines {
    let carried = 0;
    return cookiesIn(fields)
      .filter(([name]) => name.startsWith(this.#prefix))
      .toReversed()
      .flatMap(([name, value]) => {
        carried += value.length;
        return carried > MAX_CARRIED_CHARACTERS ? this.#clearName(name) : [];
      });
  }

  #open(id: string, sealed: string): Carried<T> | undefined {
    const { seal, clock, parse } = this.#options;
    const bytes = seal.unsealBytes(this.#sealedName(id), sealed);
    if (bytes === undefined) return undefined;
    const { value, endsAtMs } = JSON.parse(inflateRawSync(bytes, { maxOutputLength: MAX_TEXT_BYTES }).toString());
    const parsed = parse(value);
    if (parsed === undefined || !(endsAtMs > clock.nowMs())) return undefined;
    return { value: parsed, endsAtMs };
  }

  #nameOf(id: string): string {
    return this.#prefix + id.slice(0, ID_CHARACTERS);
  }

  /** No cookie opens as one of another use or id. */
  #sealedName(id: string): string {
    return `${this.#options.use} cookie ${id}`;
  }

  #clearName(name: string): FieldLines {
    return ['Set-Cookie', `${name}=; Max-Age=0${this.#attributes}`];
  }
}

function cookiesIn(fields: FieldLines): readonly (readonly [name: string, value: string])[] {
  return fieldValues(fields, 'cookie')
    .flatMap((line) => line.split(';'))
    .map((pair) => {
      const [name = '', ...value] = pair.trim().split('=');
      return [name, value.join('=')];
    });
}
