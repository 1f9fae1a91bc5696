/** What an owner asks of the authorization server beside its protocol: who is logged in, and who shall be no more. RFC 7009 has no words for it. */

/** `by` and `name`: a subject of the IdP, or a client id, or as much of one as logs and lists show. */
export type Whose = { readonly by: 'all' } | { readonly by: 'subject' | 'client'; readonly name: string };

export type LoginCommand =
  | { readonly kind: 'sessions'; readonly whose: Whose }
  | { readonly kind: 'revoke'; readonly whose: Whose };

/** One login: a person, a client, and until when it was good for. */
export interface LoginSession {
  readonly subject: string;
  readonly email: string | undefined;
  readonly clientId: string;
  /** As the client calls itself. */
  readonly clientName: string | undefined;
  readonly scopes: readonly string[];
  /** Wall clock, as all dates for people. */
  readonly begunMs: number;
  /** When the IdP last confirmed the person; 0 = not since the login. */
  readonly confirmedMs: number;
}

export type LoginCommandOutcome =
  /** The last confirmed first; `total` may be more than are listed. */
  | { readonly kind: 'sessions'; readonly sessions: readonly LoginSession[]; readonly total: number }
  /** How many have ended. Tokens issued until now are refused from now on. */
  | { readonly kind: 'revoked'; readonly ended: number }
  /** Several clients begin so: nothing was done. */
  | { readonly kind: 'ambiguous'; readonly clients: readonly string[] }
  | { readonly kind: 'failed'; readonly why: CommandFailure };

export type CommandFailure =
  /** There is no `login`. */
  | 'no_login'
  /** Its thread has ended, too much is asked at once, no answer in time, the store does not answer: it may be done in part. */
  | 'down'
  | 'busy'
  | 'late'
  | 'store_unavailable'
  | 'store_full'
  | 'bug';

/** Hands a command to whoever carries it out; never rejects. */
export type CommandLogin = (command: LoginCommand) => Promise<LoginCommandOutcome>;
