/** Why an identity assertion is not honoured, and what the client is told of it. RFC 6749 §5.2, RFC 7523 §3.1. */
import { errors } from 'oidc-provider';

export type AssertionFault = keyof typeof WIRE;

/** A refusal: a value for the log; of all that is in it only the row of its reason reaches the client. */
export interface AssertionRefusal {
  readonly reason: AssertionFault;
  readonly expected?: string | undefined;
  /** Never the assertion. */
  readonly actual?: string | undefined;
}

interface WireRow {
  readonly error: 'invalid_grant' | 'invalid_scope';
  readonly description: string;
}

/** Which check failed would tell whoever forges assertions how far he has come. */
const NOT_ACCEPTED: WireRow = {
  error: 'invalid_grant',
  description: 'the assertion is not accepted',
};

/** One row a reason. */
const WIRE = {
  malformed: NOT_ACCEPTED,
  wrong_type: NOT_ACCEPTED,
  unknown_issuer: NOT_ACCEPTED,
  client_not_named: NOT_ACCEPTED,
  unsupported_algorithm: NOT_ACCEPTED,
  unknown_key: NOT_ACCEPTED,
  invalid_signature: NOT_ACCEPTED,
  audience_mismatch: NOT_ACCEPTED,
  client_mismatch: NOT_ACCEPTED,
  resource_mismatch: NOT_ACCEPTED,
  authorization_details: NOT_ACCEPTED,
  expired: NOT_ACCEPTED,
  lives_too_long: NOT_ACCEPTED,
  not_yet_valid: NOT_ACCEPTED,
  binding_not_understood: NOT_ACCEPTED,
  proof_mismatch: NOT_ACCEPTED,
  used_already: NOT_ACCEPTED,
  not_allowed: NOT_ACCEPTED,
  // Draft §8.6.1.2.2 says so in words of this kind: an honest client has only to send its proof.
  proof_missing: { ...NOT_ACCEPTED, description: 'the assertion needs a DPoP proof of the key that it is bound to' },
  no_scopes: { error: 'invalid_scope', description: 'none of the scopes can be granted' },
} as const satisfies Record<string, WireRow>;

const LONGEST_EVIDENCE = 200;

export function refuse(reason: AssertionFault, evidence: Omit<AssertionRefusal, 'reason'> = {}): AssertionRefusal {
  return { reason, ...evidence };
}

export function isRefused(outcome: object): outcome is AssertionRefusal {
  return 'reason' in outcome;
}

/** A claim or header parameter as evidence. */
export function show(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, LONGEST_EVIDENCE);
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'number' ? String(value) : `no string (${value === null ? 'null' : typeof value})`;
}

/** How the library is told of a refusal. */
export class AssertionRefused extends errors.OIDCProviderError {
  readonly refusal: AssertionRefusal;

  constructor(refusal: AssertionRefusal) {
    const { error, description } = WIRE[refusal.reason];
    super(400, error);
    this.error_description = description;
    this.refusal = refusal;
  }
}
