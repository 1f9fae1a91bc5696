/** What a person need not be asked again, remembered by their browser alone. MCP security best practices (consent), RFC 8252 §8.6. */
import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import type { FieldLines } from '../wire/exchange.ts';
import { isDocumentId } from './clients/document-url.ts';
import type { ClientRequest } from './flow.ts';
import type { LoginOptions } from './options.ts';
import type { SealedCookies } from './sealed-cookies.ts';

/** One client, one redirect URI, one resource, one set of scopes. */
export interface RememberedConsent {
  /** Of the four. */
  readonly digest: string;
  readonly endsAtMs: number;
}

/** How long nobody is asked. */
export const REMEMBERED_DAYS = 30;
export const REMEMBERED_SECONDS = REMEMBERED_DAYS * 86_400;
const MOST = 16;
/** The browser has one such cookie. */
const ID = 'all';

export interface RememberedConsentsOptions {
  readonly cookies: SealedCookies<readonly RememberedConsent[]>;
  readonly options: Pick<LoginOptions, 'clients'>;
  readonly clock: Clock;
}

export class RememberedConsents {
  readonly #options: RememberedConsentsOptions;

  constructor(options: RememberedConsentsOptions) {
    this.#options = options;
  }

  /**
   * Whether it is certain who gets the code: a client that its owner or a document names, at a site of its own. Any program
   * on a computer can be the one behind a loopback address or a private-use scheme, and anybody can register.
   */
  mayRemember({ clientId, redirectUri }: ClientRequest): boolean {
    const { clients } = this.#options.options;
    const isNamed = isDocumentId(clientId) || clients.static.some((client) => client.clientId === clientId);
    const { protocol, hostname } = new URL(redirectUri);
    return isNamed && protocol === 'https:' && !isLoopbackHost(hostname);
  }

  has(request: ClientRequest, fields: FieldLines): boolean {
    const digest = digestOf(request);
    return this.mayRemember(request) && this.#read(fields).some((each) => each.digest === digest);
  }

  /** The field for the browser; beyond a number of them those that were remembered first are asked again. */
  remember(request: ClientRequest, fields: FieldLines): FieldLines {
    if (!this.mayRemember(request)) return [];
    const { cookies, clock } = this.#options;
    const endsAtMs = clock.nowMs() + REMEMBERED_SECONDS * 1000;
    const made = { digest: digestOf(request), endsAtMs };
    const others = this.#read(fields).filter(({ digest }) => digest !== made.digest);
    return cookies.write(ID, [...others, made].slice(-MOST), endsAtMs) ?? [];
  }

  #read(fields: FieldLines): readonly RememberedConsent[] {
    const { cookies, clock } = this.#options;
    const all = cookies.read(ID, fields)?.value ?? [];
    return all.filter(({ endsAtMs }) => endsAtMs > clock.nowMs());
  }
}

function digestOf({ clientId, redirectUri, resource, scopes }: ClientRequest): string {
  return hash('sha256', JSON.stringify([clientId, redirectUri, resource, ...scopes.toSorted()]), 'base64url');
}
