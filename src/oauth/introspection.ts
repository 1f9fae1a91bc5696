/** What an issuer says of a token when it is asked. RFC 7662 §2.2; RFC 9449 §6.2 and RFC 8705 §3.2 (cnf). Signed answers (RFC 9701) are not read. */

import type { JsonObject } from '../lib/json-text.ts';
import { checkAccessToken, type ExpectedClaims } from './access-token.ts';
import { MAX_TIME_MS, malformed } from './claims.ts';
import { type Denial, deny } from './denial.ts';
import type { AccessToken } from './principal.ts';
import { parseJsonObject } from './strict-json.ts';

/** An answer that is one. Only of an active token the other members mean anything. */
export interface IntrospectionResponse {
  readonly active: boolean;
  readonly members: JsonObject;
}

/** RFC 6750 §2.1. */
const B68_TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;
/** RFC 7515 §7.1: three parts in base64url, the last of which an unsigned one leaves empty. */
const JWT_SHAPE = /^[\w-]+\.[\w-]+\.[\w-]*$/;
/** Encrypted tokens are the longest that issuers cannot expect to be read. */
const MAX_TOKEN_LENGTH = 8 * 1024;
/** RFC 6750 §6.1.1, RFC 9449 §12.1; compared without regard to case (RFC 6749 §5.1). */
const TOKEN_TYPES = new Set(['bearer', 'dpop']);
/** What some issuers (Hydra) say beside it, so that nobody takes a refresh token for an access token. */
const TOKEN_USES = new Set(['access_token', 'access']);

/** Tells a token that may be a JWT, and so can be read here, from one that its issuer alone can read. */
export function isJwtShaped(token: string): boolean {
  return JWT_SHAPE.test(token);
}

/** Keycloak's words for what is no access token. */
const OTHER_KINDS = /^(?:refresh|offline|id|logout)$/i;

/** A token that no issuer can have issued is not worth a question. */
export function refuseOpaqueToken(token: string): Denial | undefined {
  if (token.length > MAX_TOKEN_LENGTH) return malformed('longer than 8 KiB');
  return B68_TOKEN.test(token) ? undefined : malformed('neither a JWT nor a b68token');
}

/** Undefined unless the bytes are one strict JSON object whose `active` is true or false: everything else is no answer. */
export function parseIntrospectionResponse(bytes: Uint8Array): IntrospectionResponse | undefined {
  const members = parseJsonObject(bytes);
  const active = members?.['active'];
  return members === undefined || typeof active !== 'boolean' ? undefined : { active, members };
}

/**
 * Judges what was said of an opaque token as the claims of a JWT are judged. `aud` must be there; `iss` may be absent, as the
 * one who answers is known; without `exp` the token has no end of its own.
 */
export function checkIntrospection(
  { active, members }: IntrospectionResponse,
  expected: ExpectedClaims,
  nowMs: number,
): AccessToken | Denial {
  if (!active) return deny('token_inactive');
  const { iss = expected.issuer, aud = [], exp = MAX_TIME_MS / 1000 } = members;
  const kind = checkKind(members);
  if (kind !== undefined) return kind;
  const token = checkAccessToken({ ...members, iss, aud, exp }, expected, nowMs);
  if ('denied' in token) return isWithoutAudience(members, expected) ? nameAbsence(token) : token;
  return isDpop(members) && token.jkt === undefined
    ? deny('token_not_bound', { detail: 'token_type is DPoP, and cnf has no jkt', token })
    : token;
}

/**
 * Judges what was said of a JWT that has been verified. The answer can only take away: what it does not mention stays as it
 * is in the token.
 */
export function confirmAccessToken(
  verified: AccessToken,
  response: IntrospectionResponse,
  { expected, nowMs }: { readonly expected: ExpectedClaims; readonly nowMs: number },
): AccessToken | Denial {
  if (!response.active) return deny('token_inactive', { token: verified });
  const accepted = expected.audienceClaim === 'client_id' ? [] : [...expected.audiences];
  const { aud = accepted, client_id: clientId = verified.client, cnf = toConfirmation(verified) } = response.members;
  const members = { ...response.members, aud, client_id: clientId, cnf };
  const said = checkIntrospection({ active: true, members }, expected, nowMs);
  if ('denied' in said) return said;
  const { jkt = said.jkt, x5tS256 = said.x5tS256 } = verified;
  if (jkt !== said.jkt || x5tS256 !== said.x5tS256) {
    return deny('token_not_bound', { detail: 'the issuer names another key than the token', token: verified });
  }
  return {
    ...verified,
    jkt,
    x5tS256,
    expiresAtMs: Math.min(verified.expiresAtMs, said.expiresAtMs),
    scopes: said.scopeClaim === undefined ? verified.scopes : verified.scopes.intersection(said.scopes),
  };
}

function isWithoutAudience({ aud }: JsonObject, { audienceClaim }: ExpectedClaims): boolean {
  return aud === undefined && audienceClaim !== 'client_id';
}

/** Many issuers leave it out until they are told otherwise, and would look for it in the token. */
function nameAbsence(denial: Denial): Denial {
  if (denial.reason !== 'audience_mismatch') return denial;
  return deny(denial.reason, { ...denial.evidence, detail: 'the introspection response has no aud' });
}

function toConfirmation({ jkt, x5tS256 }: AccessToken): JsonObject | undefined {
  return jkt === undefined && x5tS256 === undefined ? undefined : { jkt, 'x5t#S256': x5tS256 };
}

/**
 * Of a token of which nothing else is known: refresh tokens are active too, and good for weeks, and some issuers tell them from
 * access tokens by nothing but an absent `token_type`.
 */
export function refuseUnknownKind({ token_type: type }: JsonObject): Denial | undefined {
  if (type !== undefined) return undefined;
  return deny('invalid_token', {
    detail: 'the introspection response has no token_type, so that it may be of a refresh token',
    expected: 'Bearer or DPoP',
  });
}

/** §2.2: `token_type`, where it is there, must be a type of access token; so must what some issuers say in its place. */
function checkKind({ token_type: type, token_use: use, typ }: JsonObject): Denial | undefined {
  if (typeof typ === 'string' && OTHER_KINDS.test(typ)) {
    return deny('invalid_token', { detail: 'typ', expected: 'that of an access token', actual: typ });
  }
  if (type !== undefined && !(typeof type === 'string' && TOKEN_TYPES.has(type.toLowerCase()))) {
    return deny('invalid_token', { detail: 'token_type', expected: 'Bearer or DPoP', actual: describe(type) });
  }
  if (use !== undefined && !(typeof use === 'string' && TOKEN_USES.has(use))) {
    return deny('invalid_token', { detail: 'token_use', expected: 'access_token', actual: describe(use) });
  }
  return undefined;
}

function isDpop({ token_type: type }: JsonObject): boolean {
  return typeof type === 'string' && type.toLowerCase() === 'dpop';
}

function describe(value: unknown): string {
  return typeof value === 'string' ? value : 'no string';
}
