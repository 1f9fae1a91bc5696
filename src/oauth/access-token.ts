/** Access token claims: what a resource server must check, once the signature holds. RFC 9068 §4, RFC 7519 §4.1. */

import { isJsonObject, type JsonObject } from '../lib/json-text.ts';
import { checkAudience, type ExpectedAudience, readAudience } from './audience.ts';
import { malformed, readIdentifier, readNumericDate } from './claims.ts';
import { type Denial, deny } from './denial.ts';
import type { AccessToken } from './principal.ts';
import { parseScopeClaims } from './scope.ts';
import { readScopes, type ScopeTerms } from './scope-terms.ts';

/** What a token must say to be accepted here. */
export interface ExpectedClaims extends ExpectedAudience {
  /** Compared byte for byte. */
  readonly issuer: string;
  /** Further values of `iss`, compared alike. */
  readonly aliases?: ReadonlySet<string> | undefined;
  /** Absent = `scope`, else `scp`, as they are. */
  readonly scopeTerms?: ScopeTerms | undefined;
  readonly clockSkewMs: number;
}

/** RFC 9449 §6.1, RFC 8705 §3.1: base64url of a SHA-256 thumbprint. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
/** RFC 9068 §2.2 names the first; the others are what other issuers call it. */
const CLIENT_CLAIMS = ['client_id', 'azp', 'cid', 'appid'] as const;
/** RFC 9068 §2.1. */
const ACCESS_TOKEN_TYPES = new Set(['at+jwt', 'application/at+jwt']);

/** Tells whether a `typ` says of itself that the JWT is an access token. */
export function isAccessTokenType(typ: string): boolean {
  return ACCESS_TOKEN_TYPES.has(typ.toLowerCase());
}

/**
 * RFC 9068 §4, RFC 8725 §3.11: refuses every other kind of JWT by its `typ`, which is compared without regard to case. Many
 * issuers write `JWT` or nothing.
 */
export function checkTyp(typ: string | undefined): Denial | undefined {
  if (typ === undefined || isAccessTokenType(typ) || typ.toLowerCase() === 'jwt') return undefined;
  return deny('invalid_token', { detail: 'typ', expected: 'at+jwt or JWT', actual: typ });
}

/** Reads `iss` before anything is verified, to find the issuer whose keys apply. */
export function readIssuer(payload: JsonObject): string | Denial {
  const { iss } = payload;
  if (iss === undefined) return malformed('iss is absent');
  return typeof iss === 'string' ? iss : malformed('iss is not a string');
}

/**
 * Checks the claims of a token whose signature has been verified. Shapes come first (`invalid_token`), then issuer,
 * audience, times and binding. A `jkt` or `x5tS256` that comes back is a condition: whoever does not verify it must refuse the
 * token.
 */
export function checkAccessToken(payload: JsonObject, expected: ExpectedClaims, nowMs: number): AccessToken | Denial {
  const issuer = readIssuer(payload);
  if (typeof issuer !== 'string') return issuer;
  const audience = readAudience(payload, expected);
  if ('denied' in audience) return audience;
  const times = parseTimes(payload);
  if ('denied' in times) return times;
  const identity = parseIdentity(payload, expected.scopeTerms);
  if ('denied' in identity) return identity;

  // RFC 9068 §4: the issuer matches exactly
  if (issuer !== expected.issuer && expected.aliases?.has(issuer) !== true) {
    return deny('invalid_issuer', { expected: expected.issuer, actual: issuer });
  }
  const token = { issuer, subject: identity.subject, client: identity.client };
  const foreign = checkAudience(audience, expected, token);
  if (foreign !== undefined) return foreign;
  const untimely = checkTimes(times, expected.clockSkewMs, nowMs);
  if (untimely !== undefined) return untimely;
  const { cnf } = payload;
  const confirmation = cnf === undefined ? UNBOUND : parseConfirmation(cnf);
  if (confirmation === undefined) {
    return deny('token_not_bound', { detail: 'cnf is something else than jkt, x5t#S256 or both', token });
  }
  const { jkt, x5tS256 } = confirmation;
  return { issuer, ...identity, expiresAtMs: times.expiresAtMs, jkt, x5tS256 };
}

interface Times {
  readonly expiresAtMs: number;
  /** `nbf` and `iat`, whichever is later; undefined when neither is there. */
  readonly validFromMs: number | undefined;
}

function parseTimes(payload: JsonObject): Times | Denial {
  const expiresAtMs = readNumericDate('exp', payload['exp']);
  if (typeof expiresAtMs !== 'number') return expiresAtMs;
  let validFromMs: number | undefined;
  for (const name of ['nbf', 'iat'] as const) {
    if (payload[name] === undefined) continue;
    const timeMs = readNumericDate(name, payload[name]);
    if (typeof timeMs !== 'number') return timeMs;
    validFromMs = Math.max(timeMs, validFromMs ?? timeMs);
  }
  return { expiresAtMs, validFromMs };
}

function checkTimes(times: Times, clockSkewMs: number, nowMs: number): Denial | undefined {
  const { validFromMs, expiresAtMs } = times;
  // RFC 7519 §4.1.5; a token issued in the future is judged alike
  if (validFromMs !== undefined && nowMs + clockSkewMs < validFromMs) {
    return deny('token_not_yet_valid', {
      expected: `before ${formatTime(nowMs + clockSkewMs)}`,
      actual: formatTime(validFromMs),
    });
  }
  // RFC 7519 §4.1.4: refused on and after exp
  if (nowMs < expiresAtMs + clockSkewMs) return undefined;
  return deny('token_expired', {
    expected: `after ${formatTime(nowMs - clockSkewMs)}`,
    actual: formatTime(expiresAtMs),
  });
}

export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function parseIdentity(
  payload: JsonObject,
  scopeTerms: ScopeTerms | undefined,
): Pick<AccessToken, 'subject' | 'client' | 'scopes' | 'scopeClaim'> | Denial {
  const parties = readParties(payload);
  if ('denied' in parties) return parties;
  const granted = scopeTerms === undefined ? parseScopeClaims(payload) : readScopes(payload, scopeTerms);
  return 'denied' in granted ? granted : { ...parties, ...granted };
}

/** Whom the token speaks for, and who holds it. RFC 9068 §2.2. */
export function readParties(payload: JsonObject): Pick<AccessToken, 'subject' | 'client'> | Denial {
  const subject = readIdentifier('sub', payload['sub']);
  if (typeof subject === 'object') return subject;
  const name = CLIENT_CLAIMS.find((claim) => payload[claim] !== undefined && payload[claim] !== '') ?? 'client_id';
  const client = readIdentifier(name, payload[name]);
  return typeof client === 'object' ? client : { subject, client };
}

type Confirmation = Pick<AccessToken, 'jkt' | 'x5tS256'>;

const UNBOUND: Confirmation = { jkt: undefined, x5tS256: undefined };

/**
 * RFC 7800 §3.1, RFC 9449 §6.1, RFC 8705 §3.1: every member is a condition, so one that is not understood cannot be passed over.
 * Keycloak (26.7) says beside `jkt` whose thumbprint it is, which adds no condition.
 */
function parseConfirmation(cnf: unknown): Confirmation | undefined {
  if (!isJsonObject(cnf)) return undefined;
  const { jkt, 'x5t#S256': x5tS256, 'kc-jkt-type': keycloakType, ...conditions } = cnf;
  if (Object.keys(conditions).length > 0 || (jkt === undefined && x5tS256 === undefined)) return undefined;
  if (keycloakType !== undefined && (keycloakType !== 'DPoP' || jkt === undefined)) return undefined;
  return isThumbprintOrAbsent(jkt) && isThumbprintOrAbsent(x5tS256) ? { jkt, x5tS256 } : undefined;
}

function isThumbprintOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === 'string' && THUMBPRINT.test(value));
}
