/** Access token claims: what a resource server must check, once the signature holds. RFC 9068 §4, RFC 7519 §4.1. */
import { type Denial, deny } from './denial.ts';
import type { AccessToken } from './principal.ts';
import { parseScopeClaim, scopeListBytes } from './scope.ts';
import { isJsonObject, type JsonObject } from './strict-json.ts';

/** What a token must say to be accepted here. */
export interface ExpectedClaims {
  /** Compared byte for byte. */
  readonly issuer: string;
  /** One of them must stand in `aud`. */
  readonly audiences: readonly string[];
  readonly clockSkewMs: number;
}

/** Claims that are passed to the backend, in UTF-8 before any encoding. */
const MAX_VALUE_BYTES = 1024;
/** The last instant that ECMAScript can name; a later one is a mistake. */
const MAX_TIME_MS = 8.64e15;
/** RFC 9449 §6.1: base64url of a SHA-256 thumbprint. */
const JKT = /^[A-Za-z0-9_-]{43}$/;
/** RFC 9068 §2.1 names the first two; many issuers write `JWT` or nothing. */
const ACCEPTED_TYPES = new Set(['at+jwt', 'application/at+jwt', 'jwt']);

/** RFC 9068 §4, RFC 8725 §3.11: refuses every other kind of JWT by its `typ`, which is compared without regard to case. */
export function checkTyp(typ: string | undefined): Denial | undefined {
  if (typ === undefined || ACCEPTED_TYPES.has(typ.toLowerCase())) return undefined;
  return deny('invalid_token', { detail: 'typ', expected: 'at+jwt or JWT', actual: typ });
}

/** Reads `iss` before anything is verified, to find the issuer whose keys apply. */
export function readIssuer(payload: JsonObject): string | Denial {
  const { iss } = payload;
  return typeof iss === 'string' ? iss : malformed('iss is not a string');
}

/**
 * Checks the claims of a token whose signature has been verified. Shapes come first (`invalid_token`), then issuer,
 * audience, times and binding. A `jkt` that comes back is a condition: whoever verifies no proof must refuse the token.
 */
export function checkAccessToken(payload: JsonObject, expected: ExpectedClaims, nowMs: number): AccessToken | Denial {
  const issuer = readIssuer(payload);
  if (typeof issuer !== 'string') return issuer;
  const audiences = parseAudiences(payload['aud']);
  if (audiences === undefined) return malformed('aud is neither a string nor an array of strings');
  const times = parseTimes(payload);
  if ('denied' in times) return times;
  const identity = parseIdentity(payload);
  if ('denied' in identity) return identity;

  // RFC 9068 §4: the issuer matches exactly
  if (issuer !== expected.issuer) {
    return deny('invalid_issuer', { expected: expected.issuer, actual: issuer });
  }
  const token = { issuer, subject: identity.subject, client: identity.client };
  // RFC 9068 §4: the audience names this resource
  if (!audiences.some((audience) => expected.audiences.includes(audience))) {
    return deny('audience_mismatch', { expected: expected.audiences.join(' '), actual: audiences.join(' '), token });
  }
  const untimely = checkTimes(times, expected.clockSkewMs, nowMs);
  if (untimely !== undefined) return untimely;
  const { cnf } = payload;
  const jkt = cnf === undefined ? undefined : parseConfirmation(cnf);
  if (cnf !== undefined && jkt === undefined) {
    return deny('token_not_bound', { detail: 'cnf is not exactly one jkt', token });
  }
  return { issuer, ...identity, expiresAtMs: times.expiresAtMs, jkt };
}

interface Times {
  readonly expiresAtMs: number;
  /** `nbf` and `iat`, whichever is later; undefined when neither is there. */
  readonly validFromMs: number | undefined;
}

function parseTimes(payload: JsonObject): Times | Denial {
  const { exp, nbf, iat } = payload;
  const expiresAtMs = parseNumericDate(exp);
  if (expiresAtMs === undefined) return malformed('exp is not a NumericDate');
  let validFromMs: number | undefined;
  for (const claim of [nbf, iat]) {
    if (claim === undefined) continue;
    const timeMs = parseNumericDate(claim);
    if (timeMs === undefined) return malformed('nbf or iat is not a NumericDate');
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

function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

/** RFC 7519 §2: seconds, fractions allowed; here in milliseconds. */
function parseNumericDate(claim: unknown): number | undefined {
  if (typeof claim !== 'number') return undefined;
  const timeMs = claim * 1000;
  return Math.abs(timeMs) <= MAX_TIME_MS ? timeMs : undefined;
}

/** RFC 7519 §4.1.3. */
function parseAudiences(claim: unknown): readonly string[] | undefined {
  const audiences: unknown = typeof claim === 'string' ? [claim] : claim;
  return Array.isArray(audiences) && audiences.every(isString) ? audiences : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** Whom the token speaks for. RFC 9068 §2.2; `azp`, `cid` and `appid` are what other issuers call `client_id`. */
function parseIdentity(payload: JsonObject): Pick<AccessToken, 'subject' | 'client' | 'scopes'> | Denial {
  const { sub, client_id: clientId, azp, cid, appid, scope, scp } = payload;
  if (sub !== undefined && !isIdentifier(sub)) return malformed('sub is not a usable string');
  const client = [clientId, azp, cid, appid].find((claim) => claim !== undefined);
  if (client !== undefined && !isIdentifier(client)) return malformed('the client id is not a usable string');
  const scopes = parseScopeClaim(scope, scp);
  if (scopes === undefined || scopeListBytes(scopes) > MAX_VALUE_BYTES) return malformed('illegal scopes');
  return { subject: sub, client, scopes };
}

/** A string that a header can carry without loss: not empty, no lone surrogate, at most 1 KiB. */
function isIdentifier(value: unknown): value is string {
  return (
    typeof value === 'string' && value !== '' && value.isWellFormed() && Buffer.byteLength(value) <= MAX_VALUE_BYTES
  );
}

/**
 * RFC 7800 §3.1, RFC 9449 §6.1: every member is a condition, so one that is not understood cannot be passed over.
 * Keycloak (26.7) says beside `jkt` whose thumbprint it is, which adds no condition.
 */
function parseConfirmation(cnf: unknown): string | undefined {
  if (!isJsonObject(cnf)) return undefined;
  const { jkt, 'kc-jkt-type': keycloakType = 'DPoP', ...conditions } = cnf;
  if (keycloakType !== 'DPoP' || Object.keys(conditions).length > 0) return undefined;
  return typeof jkt === 'string' && JKT.test(jkt) ? jkt : undefined;
}

function malformed(detail: string): Denial {
  return deny('invalid_token', { detail });
}
