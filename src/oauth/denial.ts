/** The union of refusals and the one table reason → status, error, challenge. RFC 6750 §3.1, RFC 9449 §7.1. */
import type { TokenIdentity } from './token-identity.ts';

/** Every reason that can stand in a refusal's body. `docs/errors.md` has a row for each. */
export type DenialReason = keyof typeof DENIALS;

/** What a challenge says beside the reason: the OAuth error code of RFC 6750 §3.1 or RFC 9449 §7.1, §8. */
export type ChallengeError =
  | 'invalid_token'
  | 'invalid_request'
  | 'insufficient_scope'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce';

interface DenialRow {
  readonly status: number;
  readonly error: string;
  /** `none` = a challenge without `error`; absent = no challenge at all. */
  readonly challenge?: ChallengeError | 'none';
  /** `error_description`: fixed ASCII, no quotes, no backslashes. */
  readonly description?: string;
}

const DENIALS = {
  malformed_request: { status: 400, error: 'bad_request' },
  https_required: { status: 400, error: 'bad_request' },
  malformed_authorization: { status: 400, error: 'bad_request' },
  no_token: { status: 401, error: 'unauthorized', challenge: 'none' },
  invalid_token: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The access token is malformed or carries an unusable header or claim',
  },
  invalid_signature: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The signature of the access token does not verify',
  },
  unknown_key: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The access token is signed with a key that its issuer does not publish',
  },
  unsupported_algorithm: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The signature algorithm of the access token is not accepted here',
  },
  token_expired: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The access token has expired',
  },
  token_inactive: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The issuer says that the access token is not active',
  },
  token_revoked: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The access token has been revoked',
  },
  token_not_yet_valid: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The access token is not valid yet',
  },
  invalid_issuer: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The issuer of the access token is not trusted here',
  },
  audience_mismatch: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The access token was not issued for this resource',
  },
  id_token: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'An ID token was sent where an access token belongs',
  },
  token_not_bound: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The binding of the access token cannot be verified here',
  },
  missing_dpop: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_request',
    description: 'A DPoP proof is required',
  },
  invalid_dpop: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_dpop_proof',
    description: 'The DPoP proof is not valid for this request',
  },
  dpop_replayed: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_dpop_proof',
    description: 'The DPoP proof was used before',
  },
  use_dpop_nonce: {
    status: 401,
    error: 'unauthorized',
    challenge: 'use_dpop_nonce',
    description: 'The DPoP proof must carry the nonce given here',
  },
  insufficient_scope: {
    status: 403,
    error: 'forbidden',
    challenge: 'insufficient_scope',
    description: 'The access token lacks a required scope',
  },
  client_certificate_required: { status: 403, error: 'forbidden' },
  origin_not_allowed: { status: 403, error: 'forbidden' },
  host_not_allowed: { status: 403, error: 'forbidden' },
  not_found: { status: 404, error: 'not_found' },
  no_authorization_server: { status: 404, error: 'not_found' },
  method_not_allowed: { status: 405, error: 'method_not_allowed' },
  request_timeout: { status: 408, error: 'request_timeout' },
  payload_too_large: { status: 413, error: 'payload_too_large' },
  uri_too_long: { status: 414, error: 'uri_too_long' },
  rate_limited: { status: 429, error: 'too_many_requests' },
  refusal_loop: { status: 429, error: 'too_many_requests' },
  too_many_in_flight: { status: 429, error: 'too_many_requests' },
  headers_too_large: { status: 431, error: 'headers_too_large' },
  internal_error: { status: 500, error: 'internal_error' },
  backend_unavailable: { status: 502, error: 'bad_gateway' },
  backend_protocol_error: { status: 502, error: 'bad_gateway' },
  backend_rejected_credentials: { status: 502, error: 'bad_gateway' },
  jwks_unavailable: { status: 503, error: 'unavailable' },
  introspection_unavailable: { status: 503, error: 'unavailable' },
  login_unavailable: { status: 503, error: 'unavailable' },
  replay_cache_unavailable: { status: 503, error: 'unavailable' },
  replay_cache_full: { status: 503, error: 'unavailable' },
  draining: { status: 503, error: 'unavailable' },
  overloaded: { status: 503, error: 'unavailable' },
  backend_timeout: { status: 504, error: 'gateway_timeout' },
  loop_detected: { status: 508, error: 'loop_detected' },
} as const satisfies Record<string, DenialRow>;

/** What was expected and what came, for the log only (which clips it); never a token, proof or key. */
export interface Evidence {
  readonly expected?: string;
  readonly actual?: string;
  readonly detail?: string;
  /** Of a token whose signature has been verified, and only then: everybody else may claim to be anybody. */
  readonly token?: TokenIdentity | undefined;
}

/** A refusal: a value that travels from the check to `server/respond`. */
export interface Denial {
  readonly denied: true;
  readonly reason: DenialReason;
  readonly evidence: Evidence;
  /** Extra response field lines that the reason needs (Allow, Retry-After), as alternating name, value. */
  readonly fields: readonly string[];
  /** RFC 6749 §5.2 `error_description`, in the body: made of the configuration, never of the request. */
  readonly description?: string;
}

const NO_FIELDS: readonly string[] = [];

/** Makes a refusal. `evidence` goes to the log, `fields` to the client. */
export function deny(reason: DenialReason, evidence: Evidence = {}, fields: readonly string[] = NO_FIELDS): Denial {
  return { denied: true, reason, evidence, fields };
}

/** Tells a refusal from the value that a check returns otherwise. */
export function isDenied(outcome: object): outcome is Denial {
  return 'denied' in outcome;
}

/** The row of a reason: status, `error`, and what its challenge says. */
export function denialRow(reason: DenialReason): DenialRow {
  return DENIALS[reason];
}

/** Every reason, for docs, metrics and tests. */
export const DENIAL_REASONS = Object.keys(DENIALS).filter((key): key is DenialReason => key in DENIALS);
