/** A family: all tokens that came of one login, and what the IdP must confirm before there are more. RFC 9700 §4.14. */
import { randomUUID } from 'node:crypto';
import { errors } from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../observe/log.ts';
import { shortClientId } from '../observe/short-client-id.ts';
import { describePerson } from './people/describe-person.ts';
import type { Person } from './people/person.ts';
import type { Entry, Records } from './store/records.ts';
import { type Upstream, type UpstreamLogin, UpstreamRefused, UpstreamUnavailable } from './upstream/upstream.ts';

export interface Family {
  readonly person: Person;
  /** Of the grant that the library keeps beside it; a family is found by it. */
  readonly grantId: string;
  readonly clientId: string;
  /** As the client called itself when the person agreed. */
  readonly clientName: string | undefined;
  /** What its tokens are for; absent in those of versions that knew one resource. */
  readonly resource?: string | undefined;
  /** What the person agreed to. */
  readonly scopes: readonly string[];
  /** The IdP's refresh token; undefined where it gave none. */
  readonly upstreamToken: string | undefined;
  readonly begunMs: number;
  /** When the IdP last confirmed the person; 0 = not since the login. */
  readonly confirmedMs: number;
}

export interface FamilyOptions {
  readonly records: Records<Family>;
  /** Who asks the IdP just now, over all replicas. */
  readonly leases: Records<string>;
  readonly clock: Clock;
  readonly log: Log;
  readonly upstream: Upstream;
  readonly refreshTokenTtlMs: number;
  readonly sessionTtlMs: number;
  isAllowed(person: Person): boolean;
}

/** Clients refresh several times at once; the IdP's token can be spent once. */
const CONFIRMED_FOR_MS = 10_000;
/** RFC 6749 §5.2 has invalid_grant; Dex and LemonLDAP::NG say invalid_request of a token that they know no more. */
const ENDS: ReadonlySet<string> = new Set(['invalid_grant', 'invalid_request', 'invalid_token']);
/** Longer than four answers of the IdP may take: metadata, tokens, keys, userinfo. */
const LEASE_MS = 60_000;
const LEASE_LOOKS = 40;
const LEASE_PAUSE_MS = 250;

type EndReason =
  | 'upstream_refused'
  | 'not_allowed'
  | 'session_ended'
  | 'revoked'
  | 'revoked_by_owner'
  | 'refresh_token_reused';

/** False when there is no such family. */
export async function endFamily(
  { records, log }: Pick<FamilyOptions, 'records' | 'log'>,
  grantId: string,
  reason: EndReason,
): Promise<boolean> {
  const family = await records.take(grantId);
  if (family === undefined) return false;
  log.info('login_ended', {
    reason,
    ...(reason === 'not_allowed' ? describePerson(family.person) : { subject: family.person.subject }),
    oauth_client: shortClientId(family.clientId),
  });
  return true;
}

export class Families {
  readonly #options: FamilyOptions;

  constructor(options: FamilyOptions) {
    this.#options = options;
  }

  async begin(
    grantId: string,
    login: UpstreamLogin,
    granted: Pick<Family, 'clientId' | 'clientName' | 'resource' | 'scopes'>,
  ): Promise<void> {
    const now = this.#options.clock.nowMs();
    const { person, refreshToken: upstreamToken } = login;
    const family = { ...granted, grantId, person, upstreamToken, begunMs: now, confirmedMs: 0 };
    await this.#options.records.put(grantId, family, this.#endOf(now));
  }

  async find(grantId: string): Promise<Family | undefined> {
    return (await this.#options.records.get(grantId))?.value;
  }

  /**
   * Before a refresh token is honoured: the IdP is asked, and the rules of today are applied to who it says this is. One at
   * a time: here by `RefreshTokens.inTurn`, over all replicas by the lease.
   * Rejects with InvalidGrant, which ends the family, or as the upstream and the store do, which keeps it.
   */
  async confirm(grantId: string): Promise<Family> {
    const owner = randomUUID();
    await this.#lease(grantId, owner);
    try {
      const entry = await this.#options.records.get(grantId);
      if (entry === undefined) throw new errors.InvalidGrant('this login has ended');
      const family = await this.#renew(grantId, entry);
      if (this.#options.isAllowed(family.person)) return family;
      await this.end(grantId, 'not_allowed');
      throw new errors.InvalidGrant('this person is no longer allowed');
    } finally {
      await this.#giveBack(grantId, owner);
    }
  }

  async end(grantId: string, reason: EndReason): Promise<void> {
    await endFamily(this.#options, grantId, reason);
  }

  /** One that is not given back ends by itself. */
  async #lease(grantId: string, owner: string): Promise<void> {
    const { leases, clock } = this.#options;
    for (let looks = 0; looks < LEASE_LOOKS; looks += 1) {
      if (await leases.add(grantId, owner, clock.nowMs() + LEASE_MS)) return;
      await new Promise((resolve) => setTimeout(resolve, LEASE_PAUSE_MS));
    }
    throw new UpstreamUnavailable('another refresh of this login is under way');
  }

  /** It may have ended meanwhile, and be somebody else's. */
  async #giveBack(grantId: string, owner: string): Promise<void> {
    const { leases } = this.#options;
    if ((await leases.get(grantId))?.value === owner) await leases.remove(grantId);
  }

  async #renew(grantId: string, entry: Entry<Family>): Promise<Family> {
    const now = this.#options.clock.nowMs();
    const family = entry.value;
    const renewed = Math.abs(now - family.confirmedMs) < CONFIRMED_FOR_MS ? family : await this.#ask(grantId, family);
    // The new token of the IdP is kept before anybody gets an answer.
    if (await this.#options.records.replace(grantId, entry, { value: renewed, endsAtMs: this.#endOf(now) }))
      return renewed;
    throw new UpstreamUnavailable('this login was changed at the same moment');
  }

  async #ask(grantId: string, family: Family): Promise<Family> {
    const { clock } = this.#options;
    const confirmedMs = clock.nowMs();
    if (family.upstreamToken === undefined) {
      if (confirmedMs - family.begunMs < this.#options.sessionTtlMs) return family;
      await this.end(grantId, 'session_ended');
      throw new errors.InvalidGrant('the session has ended: log in again');
    }
    try {
      const login = await this.#options.upstream.refresh(family.upstreamToken, family.person);
      return {
        ...family,
        person: login.person,
        upstreamToken: login.refreshToken ?? family.upstreamToken,
        confirmedMs,
      };
    } catch (error) {
      // A refusal of Obex itself (invalid_client) says nothing about the person.
      if (!(error instanceof UpstreamRefused) || !ENDS.has(error.code)) throw error;
      await this.end(grantId, 'upstream_refused');
      throw new errors.InvalidGrant('the identity provider has ended this login');
    }
  }

  #endOf(now: number): number {
    return now + this.#options.refreshTokenTtlMs;
  }
}
