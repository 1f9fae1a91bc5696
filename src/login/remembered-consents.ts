/** What a person need not be asked again, remembered by their browser alone. MCP security best practices (consent), RFC 8252 §8.6. */
import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import type { FieldLines } from '../wire/exchange.ts';
import { isDocumentId } from './clients/document-url.ts';
import type { ClientRequest } from './flow.ts';
import type { LoginOptions } from './options.ts';
import type { SealedCookies } from './sealed-cookies.ts';

/** One client, one redirect URI, one set of scopes; one resource, and one IdP. */
export interface RememberedConsent {
  /** Of the five. */
  readonly digest: string;
  readonly endsAtMs: number;
}

/** How long nobody is asked. */
export const REMEMBERED_DAYS = 30;
export const REMEMBERED_SECONDS = REMEMBERED_DAYS * 86_400;
const MOST = 16;
/** Sites that send whoever comes, with the code, on to wherever `state` says: nobody knows who gets it. Both are VS Code's. */
const REDIRECTORS: ReadonlySet<string> = new Set(['vscode.dev', 'insiders.vscode.dev']);
/** The browser has one such cookie. */
const ID = 'all';

export interface RememberedConsentsOptions {
  readonly cookies: SealedCookies<readonly RememberedConsent[]>;
  readonly options: Pick<LoginOptions, 'clients' | 'upstream'>;
  readonly clock: Clock;
}

export class RememberedConsents {
  readonly #options: RememberedConsentsOptions;

  constructor(options: RememberedConsentsOptions) {
    this.#options = options;
  }

  /**
   * Whether it is certain who gets the code: a client that its owner names, or a document at the very site that gets it. Any
   * program on a computer can be the one behind a loopback address or a private-use scheme, and anybody can register.
   */
  mayRemember({ clientId, redirectUri }: ClientRequest): boolean {
    const { clients } = this.#options.options;
    const { protocol, host, hostname } = new URL(redirectUri);
    const isNamed =
      clients.static.some((client) => client.clientId === clientId) ||
      (isDocumentId(clientId) && URL.parse(clientId)?.host === host);
    // RFC 1034 §3.1: a name and the same with a final dot are one.
    const name = hostname.replace(/\.+$/, '');
    return isNamed && protocol === 'https:' && !isLoopbackHost(name) && !REDIRECTORS.has(name);
  }

  has(request: ClientRequest, fields: FieldLines): boolean {
    const digest = this.#digestOf(request);
    return this.mayRemember(request) && this.#read(fields).some((each) => each.digest === digest);
  }

  /** The field for the browser; beyond a number of them those that were remembered first are asked again. */
  remember(request: ClientRequest, fields: FieldLines): FieldLines {
    if (!this.mayRemember(request)) return [];
    const { cookies, clock } = this.#options;
    const endsAtMs = clock.nowMs() + REMEMBERED_SECONDS * 1000;
    const made = { digest: this.#digestOf(request), endsAtMs };
    const others = this.#read(fields).filter(({ digest }) => digest !== made.digest);
    return cookies.write(ID, [...others, made].slice(-MOST), endsAtMs) ?? [];
  }

  #read(fields: FieldLines): readonly RememberedConsent[] {
    const { cookies, clock } = this.#options;
    const all = cookies.read(ID, fields)?.value ?? [];
    return all.filter(({ endsAtMs }) => endsAtMs > clock.nowMs());
  }
  /** A reload may put another server or another IdP behind the same client, which nobody has agreed to. */
  #digestOf({ clientId, redirectUri, resource, scopes }: ClientRequest): string {
    const { upstream } = this.#options.options;
    const agreed = [upstream.issuer, resource, clientId, redirectUri, ...scopes.toSorted()];
    return hash('sha256', JSON.stringify(agreed), 'base64url');
  }
}
