/** What a refusal must look like, reason by reason: the table of the contract, written down a second time. RFC 6750 §3, RFC 9449 §7.1. */
import assert from 'node:assert/strict';
import type { Scheme } from '../../src/oauth/credentials.ts';
import type { DenialReason } from '../../src/oauth/denial.ts';
import { parseChallenge } from './challenge.ts';
import { bodyOf, type LogEvent, METADATA_URL, type TestObex } from './obex.ts';
import type { RawResponse } from './raw-http.ts';
import { until } from './until.ts';

interface Answer {
  readonly status: number;
  readonly error: string;
  /** `error` of the challenge; 'none' = a challenge without one; absent = no challenge. */
  readonly challenge?: string;
  readonly description?: string;
}

const UNAUTHORIZED = { status: 401, error: 'unauthorized', challenge: 'invalid_token' };

/** The contract's table. */
const ANSWERS: Readonly<Record<DenialReason, Answer>> = {
  malformed_request: { status: 400, error: 'bad_request' },
  https_required: { status: 400, error: 'bad_request' },
  malformed_authorization: { status: 400, error: 'bad_request' },
  no_token: { status: 401, error: 'unauthorized', challenge: 'none' },
  invalid_token: {
    ...UNAUTHORIZED,
    description: 'The access token is malformed or carries an unusable header or claim',
  },
  invalid_signature: { ...UNAUTHORIZED, description: 'The signature of the access token does not verify' },
  unknown_key: {
    ...UNAUTHORIZED,
    description: 'The access token is signed with a key that its issuer does not publish',
  },
  unsupported_algorithm: {
    ...UNAUTHORIZED,
    description: 'The signature algorithm of the access token is not accepted here',
  },
  token_expired: { ...UNAUTHORIZED, description: 'The access token has expired' },
  token_revoked: { ...UNAUTHORIZED, description: 'The access token has been revoked' },
  token_inactive: {
    status: 401,
    error: 'unauthorized',
    challenge: 'invalid_token',
    description: 'The issuer says that the access token is not active',
  },
  token_not_yet_valid: { ...UNAUTHORIZED, description: 'The access token is not valid yet' },
  invalid_issuer: { ...UNAUTHORIZED, description: 'The issuer of the access token is not trusted here' },
  audience_mismatch: { ...UNAUTHORIZED, description: 'The access token was not issued for this resource' },
  id_token: { ...UNAUTHORIZED, description: 'An ID token was sent where an access token belongs' },
  token_not_bound: { ...UNAUTHORIZED, description: 'The binding of the access token cannot be verified here' },
  missing_dpop: { ...UNAUTHORIZED, challenge: 'invalid_request', description: 'A DPoP proof is required' },
  invalid_dpop: {
    ...UNAUTHORIZED,
    challenge: 'invalid_dpop_proof',
    description: 'The DPoP proof is not valid for this request',
  },
  dpop_replayed: { ...UNAUTHORIZED, challenge: 'invalid_dpop_proof', description: 'The DPoP proof was used before' },
  use_dpop_nonce: {
    ...UNAUTHORIZED,
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
};

/** What asking an issuer about tokens adds. */
export const INTROSPECTION_REASONS: readonly DenialReason[] = ['token_inactive', 'introspection_unavailable'];

/** What `login` adds. */
export const LOGIN_REASONS: readonly DenialReason[] = ['login_unavailable', 'token_revoked'];

/** What phase 3 adds: proofs and the memory of them. */
export const PHASE_3_REASONS: readonly DenialReason[] = [
  'missing_dpop',
  'invalid_dpop',
  'dpop_replayed',
  'use_dpop_nonce',
  'replay_cache_unavailable',
  'replay_cache_full',
];

const DPOP_ERRORS = ['invalid_dpop_proof', 'use_dpop_nonce'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export interface ExpectedRefusal {
  /** Scopes that the challenge must name. */
  readonly scope?: string | undefined;
  /** `error_description` of the body; most have none. */
  readonly description?: string | undefined;
  /** In phase 3: the scheme that the client used, and the algorithms that proofs may have. */
  readonly dpop?: { readonly scheme: Scheme; readonly algs: string };
}

/** Asserts the whole answer: status, body, every field that a refusal must and must not have, every challenge parameter. */
export function assertRefusal(response: RawResponse, reason: DenialReason, expected: ExpectedRefusal = {}): void {
  const { status, error } = ANSWERS[reason];
  const { description } = expected;
  assert.deepEqual(
    { status: response.status, body: bodyOf(response) },
    { status, body: { error, reason, ...(description === undefined ? {} : { error_description: description }) } },
    response.body.toString(),
  );
  assert.deepEqual(response.values('content-type'), ['application/json']);
  assert.deepEqual(response.values('cache-control'), ['no-store']);
  assert.equal(response.values('x-obex-request-id').length, 1);
  assert.match(response.values('x-obex-request-id')[0] ?? '', UUID);
  assert.equal(response.values('dpop-nonce').length, reason === 'use_dpop_nonce' ? 1 : 0);
  assert.deepEqual(response.values('www-authenticate').map(parseChallenge), expectedChallenges(reason, expected));
}

/** Bearer first, then DPoP; the error stands in the one that it belongs to. */
function expectedChallenges(reason: DenialReason, { scope, dpop }: ExpectedRefusal): readonly object[] {
  const { challenge, description } = ANSWERS[reason];
  if (challenge === undefined) return [];
  const bearer = [
    ['realm', 'mcp'],
    ['resource_metadata', METADATA_URL],
  ];
  if (scope !== undefined) bearer.push(['scope', scope]);
  const fault = challenge === 'none' ? [] : [['error', challenge]];
  if (description !== undefined) fault.push(['error_description', description]);
  if (dpop === undefined) return [{ scheme: 'Bearer', parameters: [...bearer, ...fault] }];
  const proof = [
    ['realm', 'mcp'],
    ['algs', dpop.algs],
  ];
  const isDpopFault = dpop.scheme === 'DPoP' || DPOP_ERRORS.includes(challenge);
  return [
    { scheme: 'Bearer', parameters: isDpopFault ? bearer : [...bearer, ...fault] },
    { scheme: 'DPoP', parameters: isDpopFault ? [...proof, ...fault] : proof },
  ];
}

/** The refusal leaves a trace with its reason and the id that the client was given. */
export async function assertLogged(
  response: RawResponse,
  reason: DenialReason,
  { obex }: { readonly obex: TestObex },
): Promise<void> {
  const [requestId] = response.values('x-obex-request-id');
  const own = (): readonly LogEvent[] =>
    [...obex.events('request'), ...obex.events('request_refused')].filter(({ request_id: id }) => id === requestId);
  await until('the refusal in the log', () => own().length > 0 || undefined);
  assert.deepEqual(
    own().map((event) => event['reason']),
    [reason],
  );
  assert.equal(obex.metric(`obex_denials_total{reason="${reason}"}`), 1);
}
