/** Tokens that their issuer is asked about: opaque ones, and JWTs after they have been verified here. RFC 7662 §2, §4. */
import { hash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { Lru } from '../lib/lru.ts';
import { type Denial, deny, isDenied } from '../oauth/denial.ts';
import { refuseIdToken } from '../oauth/id-token.ts';
import {
  checkIntrospection,
  confirmAccessToken,
  isJwtShaped,
  refuseOpaqueToken,
  refuseUnknownKind,
} from '../oauth/introspection.ts';
import type { AccessToken } from '../oauth/principal.ts';
import type { Introspected, IntrospectionEndpoint } from '../state/introspection-endpoint.ts';
import type { TrustedIssuer, VerifiedAccessToken, VerifyAccessToken } from './verify-access-token.ts';

export interface IntrospectionTerms {
  /** The one issuer that is asked. */
  readonly trusted: TrustedIssuer;
  readonly endpoint: Pick<IntrospectionEndpoint, 'ask'>;
  /** Its JWTs are asked about too. */
  readonly includesJwts: boolean;
  /** How long an answer counts. */
  readonly cacheTtlMs: number;
}

type Outcome = VerifiedAccessToken | Denial;

/** How long a refusal counts, and one for want of an answer, during which a token that its issuer fails on is no question. */
const REFUSED_MS = 5_000;
const UNANSWERED_MS = 1_000;
const REFUSALS = { maxEntries: 10_000, maxBytes: 8 * 1024 * 1024 };
/** Rough cost of one without the texts of its evidence. */
const REFUSAL_BYTES = 800;

interface Refusal {
  readonly denial: Denial;
  /** By the monotonic clock. */
  readonly untilMs: number;
}

interface Question {
  readonly token: string;
  readonly clientKey: string;
}

/** What is not for the issuer's endpoint goes the way of `verifyLocally`, unchanged. */
export function createIntrospection(
  terms: IntrospectionTerms,
  verifyLocally: VerifyAccessToken,
  clock: Clock,
): VerifyAccessToken {
  const introspector = new Introspector(terms, clock);
  const confirm = (question: Question, verified: Outcome): Outcome | Promise<Outcome> => {
    const isAsked = !isDenied(verified) && verified.issuer === terms.trusted.issuer;
    return isAsked ? introspector.ask(question, verified) : verified;
  };
  return (token, clientKey) => {
    const question = { token, clientKey };
    if (!isJwtShaped(token)) return refuseOpaqueToken(token) ?? introspector.ask(question, undefined);
    const verified = verifyLocally(token, clientKey);
    if (!terms.includesJwts) return verified;
    return verified instanceof Promise
      ? verified.then((outcome) => confirm(question, outcome))
      : confirm(question, verified);
  };
}

class Introspector {
  readonly #terms: IntrospectionTerms;
  readonly #clock: Clock;
  /** By the digest of the token, which is nobody's but the one issuer's. */
  readonly #refusals = new Lru<Refusal>(REFUSALS);

  constructor(terms: IntrospectionTerms, clock: Clock) {
    this.#terms = terms;
    this.#clock = clock;
  }

  /** `verified`: what a JWT has been found to say; undefined for an opaque token. */
  ask(question: Question, verified: VerifiedAccessToken | undefined): Denial | Promise<Outcome> {
    const digest = hash('sha256', question.token, 'base64url');
    const refused = this.#refusals.get(digest);
    if (refused !== undefined && this.#clock.monotonicMs() < refused.untilMs) return refused.denial;
    return this.#ask(question, verified, digest);
  }

  async #ask(
    { token, clientKey }: Question,
    verified: VerifiedAccessToken | undefined,
    digest: string,
  ): Promise<Outcome> {
    const answer = await this.#terms.endpoint.ask(token, clientKey);
    if ('problem' in answer) {
      const denial = deny('introspection_unavailable', { detail: answer.problem });
      return answer.wasAsked ? this.#refuse(digest, denial, UNANSWERED_MS) : denial;
    }
    // The key may have been withdrawn meanwhile, and nobody would look again.
    const isWithdrawn = verified?.key !== undefined && this.#terms.trusted.jwks.keys?.includes(verified.key) !== true;
    if (isWithdrawn) return deny('unknown_key', { detail: 'its key was withdrawn while the issuer was asked' });
    const accessToken = this.#judge(answer, verified?.accessToken);
    if (isDenied(accessToken)) return this.#refuse(digest, accessToken, REFUSED_MS);
    const { trusted, cacheTtlMs } = this.#terms;
    return {
      accessToken,
      claims: verified?.claims ?? answer.response.members,
      key: verified?.key,
      issuer: trusted.issuer,
      recheckAtMs: answer.askedAtMs + cacheTtlMs,
    };
  }

  #judge({ response }: Introspected, verified: AccessToken | undefined): AccessToken | Denial {
    const { trusted } = this.#terms;
    const nowMs = this.#clock.nowMs();
    if (verified !== undefined) return confirmAccessToken(verified, response, { expected: trusted, nowMs });
    const idToken = trusted.acceptsIdTokens ? undefined : refuseIdToken(undefined, response.members);
    const kind = response.active ? (idToken ?? refuseUnknownKind(response.members)) : undefined;
    return kind ?? checkIntrospection(response, trusted, nowMs);
  }

  #refuse(digest: string, denial: Denial, lifetimeMs: number): Denial {
    const untilMs = this.#clock.monotonicMs() + lifetimeMs;
    this.#refusals.set(digest, { denial: withoutScopes(denial), untilMs }, sizeOf(denial));
    return denial;
  }
}

/** What an issuer has said is as long as its answer. */
function sizeOf({ evidence: { expected = '', actual = '', detail = '', token } }: Denial): number {
  let bytes = REFUSAL_BYTES + 2 * (expected.length + actual.length + detail.length);
  for (const text of [token?.issuer, token?.subject, token?.client]) bytes += 2 * (text?.length ?? 0);
  return bytes;
}

/** Of the token only who it is about: its scopes may take more than all else. */
function withoutScopes(denial: Denial): Denial {
  const { token } = denial.evidence;
  if (token === undefined) return denial;
  const { issuer, subject, client } = token;
  return { ...denial, evidence: { ...denial.evidence, token: { issuer, subject, client } } };
}
