/** From the text of an access token to a verified one, or to the reason why not. RFC 9068 §4, RFC 8725 §3. */
import type { Clock } from '../lib/clock.ts';
import type { JsonObject } from '../lib/json-text.ts';
import { checkAccessToken, checkTyp, type ExpectedClaims, readIssuer } from '../oauth/access-token.ts';
import { type Denial, deny, isDenied } from '../oauth/denial.ts';
import { refuseIdToken } from '../oauth/id-token.ts';
import { isJwsAlgorithm, type JwsAlgorithm, verifySignature } from '../oauth/jwa.ts';
import { selectKeys, type VerificationKey } from '../oauth/jwks.ts';
import { type Jws, parseJws } from '../oauth/jws.ts';
import type { AccessToken } from '../oauth/principal.ts';
import type { IssuerKeys } from '../state/jwks-cache.ts';
import type { RevokedTokens } from '../state/revoked-tokens.ts';

/** An issuer whose tokens are accepted, and on what terms. */
export interface TrustedIssuer extends ExpectedClaims {
  readonly algorithms: ReadonlySet<JwsAlgorithm>;
  /** Some issuers' access tokens look like ID tokens. */
  readonly acceptsIdTokens: boolean;
  readonly jwks: IssuerKeys;
  /** Absent for an issuer that calls no token back. */
  readonly revoked?: Pick<RevokedTokens, 'covers' | 'onChange'>;
}

/** A token that holds, and why. */
export interface VerifiedAccessToken {
  readonly accessToken: AccessToken;
  /** All that the token says, or its issuer of it; not to be kept. */
  readonly claims: JsonObject;
  /** The one that its signature verified with; undefined for a token that its issuer alone can read. */
  readonly key: VerificationKey | undefined;
  /** Whose token it is, by its configured name: the token may name an alias. */
  readonly issuer: string;
  /** When the issuer has to be asked again, by the monotonic clock; absent = never. */
  readonly recheckAtMs?: number;
}

type Outcome = VerifiedAccessToken | Denial;

/** `clientKey`: by whom the token has come, for whoever has to share what is scarce. */
export type VerifyAccessToken = (compact: string, clientKey: string) => Outcome | Promise<Outcome>;

/** A token on its way: parsed, its claims judged, its signature not yet. */
interface Attempt {
  readonly jws: Jws;
  readonly alg: JwsAlgorithm;
  readonly trusted: TrustedIssuer;
  readonly claims: AccessToken | Denial;
}

/** Each under its name and its aliases. */
export function nameIssuers(issuers: readonly TrustedIssuer[]): ReadonlyMap<string, TrustedIssuer> {
  return new Map(
    issuers.flatMap((trusted) => [trusted.issuer, ...(trusted.aliases ?? [])].map((name) => [name, trusted] as const)),
  );
}

/** Synchronous as long as the issuer's known keys decide; a promise only when fresher keys are asked for. */
export function createVerifyAccessToken(issuers: readonly TrustedIssuer[], clock: Clock): VerifyAccessToken {
  const byName = nameIssuers(issuers);
  const names = [...byName.keys()].join(' ');

  return (compact) => {
    const jws = parseJws(compact);
    if (isDenied(jws)) return jws;
    const typDenial = checkTyp(jws.header.typ);
    if (typDenial !== undefined) return typDenial;
    const issuer = readIssuer(jws.payload);
    if (typeof issuer !== 'string') return issuer;
    const trusted = byName.get(issuer);
    if (trusted === undefined) return deny('invalid_issuer', { expected: names, actual: issuer });
    return verifyForIssuer(jws, trusted, clock.nowMs());
  };
}

function verifyForIssuer(jws: Jws, trusted: TrustedIssuer, nowMs: number): Outcome | Promise<Outcome> {
  const { alg } = jws.header;
  if (!isJwsAlgorithm(alg) || !trusted.algorithms.has(alg)) {
    return deny('unsupported_algorithm', { expected: [...trusted.algorithms].join(' '), actual: alg });
  }
  const idToken = trusted.acceptsIdTokens ? undefined : refuseIdToken(jws.header.typ, jws.payload);
  const claims = idToken ?? checkAccessToken(jws.payload, trusted, nowMs);
  const attempt: Attempt = { jws, alg, trusted, claims };
  const key = findKey(attempt);
  return key === undefined ? verifyWithFresherKeys(attempt) : conclude(attempt, key);
}

/** Rotated keys, also under a known kid, show as a signature that no known key verifies: ask the issuer once more. */
async function verifyWithFresherKeys(attempt: Attempt): Promise<Outcome> {
  const { jws, trusted } = attempt;
  // A token that fails its claims anyway is not worth a fetch; what it claims is not worth an answer before its signature.
  const worthFetching = !isDenied(attempt.claims);
  for (let isJoined = true, tries = 0; isJoined && tries < 2; tries += 1) {
    const before = trusted.jwks.keys;
    isJoined = await trusted.jwks.refresh(worthFetching);
    const key = trusted.jwks.keys === before ? undefined : findKey(attempt);
    if (key !== undefined) return conclude(attempt, key);
  }
  const { keys, lastFetchFailed } = trusted.jwks;
  if (keys === undefined) return deny('jwks_unavailable', { detail: `no keys of ${trusted.issuer}` });
  if (selectKeys(keys, attempt.alg, jws.header.kid).length > 0) return deny('invalid_signature');
  const detail = `${trusted.issuer} has no ${attempt.alg} key with kid ${jws.header.kid ?? '(none)'}`;
  return deny(lastFetchFailed ? 'jwks_unavailable' : 'unknown_key', { detail });
}

function findKey({ jws, alg, trusted }: Attempt): VerificationKey | undefined {
  return selectKeys(trusted.jwks.keys ?? [], alg, jws.header.kid).find(({ key }) => verifySignature(alg, key, jws));
}

function conclude({ claims, jws, trusted }: Attempt, key: VerificationKey): Outcome {
  if (isDenied(claims)) return claims;
  const { revoked } = trusted;
  const accessToken = revoked === undefined ? claims : refuseRevoked(claims, jws.payload, revoked);
  if (isDenied(accessToken)) return accessToken;
  return { accessToken, claims: jws.payload, key, issuer: trusted.issuer };
}

/** RFC 7009 §2.1: a token that was called back is good no more, though it says otherwise. */
function refuseRevoked(
  token: AccessToken,
  { iat }: JsonObject,
  revoked: Pick<RevokedTokens, 'covers'>,
): AccessToken | Denial {
  const dated = typeof iat === 'number' ? { ...token, issuedAt: iat } : token;
  return revoked.covers(dated) ? deny('token_revoked', { token: dated }) : dated;
}
