/** What Obex wants of the IdP at which people log in, and how that can fail. OpenID Connect Core §3.1, §12. */
import type { Person } from '../people/person.ts';

export interface UpstreamLogin {
  readonly person: Person;
  /** Undefined: the IdP gave none; after a refresh: the one before is still good. */
  readonly refreshToken: string | undefined;
}

/** What the answer of the IdP is held against. Plain data, secret until then, good for one login. */
export interface Verifier {
  readonly state: string;
  readonly nonce: string;
  /** RFC 7636 §4.1. */
  readonly codeVerifier: string;
}

/** Each method rejects with one of the three errors below. None of them holds a token, a code or a secret. */
export interface Upstream {
  /** What people call it. */
  readonly name: string;
  /** `redirectUri`: an absolute URL without query. `asksForAnother`: who has a session at the IdP is to be asked who they are. */
  begin(redirectUri: string, options?: { readonly asksForAnother: boolean }): Promise<{ url: URL; verifier: Verifier }>;
  /** `callback`: the redirect URI of `begin` with the whole query that the browser brought back. */
  finish(callback: URL, verifier: Verifier): Promise<UpstreamLogin>;
  /** The person as the IdP sees them now. `before` is whom the refresh token was given for. */
  refresh(refreshToken: string, before: Person): Promise<UpstreamLogin>;
}

const LONGEST_DESCRIPTION = 200;
/** RFC 6749 §4.1.2.1 allows more; what stands in pages and logs needs no more. */
const CODE = /^[\w.:-]{1,64}$/;
/** Longer than any word, and as long as tokens are: some IdPs repeat in the description what was wrong. */
const MAY_BE_SECRET = /[\w.~+/=:%-]{24,}/g;

/** The IdP said no, to the person or to Obex as its client. */
export class UpstreamRefused extends Error {
  override readonly name = 'UpstreamRefused';
  /** RFC 6749 §4.1.2.1, §5.2: `access_denied`, `invalid_grant`, …; `unnamed` for what is no code. */
  readonly code: string;
  /** For people: visible ASCII without markup, at most 200 characters; may be empty. */
  readonly description: string;

  constructor(code: string, description = '') {
    const safeCode = CODE.test(code) ? code : 'unnamed';
    const safeDescription = description
      .replaceAll(/[^ -~]+/g, ' ')
      .replaceAll(/[<>&"'`\\]/g, '')
      .replaceAll(MAY_BE_SECRET, '...')
      .slice(0, LONGEST_DESCRIPTION)
      .trim();
    super(`the IdP refuses: ${safeCode}${safeDescription && `, ${safeDescription}`}`);
    this.code = safeCode;
    this.description = safeDescription;
  }
}

/** No answer, or none of a healthy IdP: network, deadline, 5xx, 429, a page instead of JSON. Worth trying again. */
export class UpstreamUnavailable extends Error {
  override readonly name = 'UpstreamUnavailable';
  /** Of the answer, if there was one. */
  readonly status: number | undefined;

  constructor(message: string, { status, cause }: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
  }
}

/** An answer that does not hold: state, `iss`, nonce, signature, audience. A mistake in the configuration, or an attack. */
export class UpstreamInvalid extends Error {
  override readonly name = 'UpstreamInvalid';
}
