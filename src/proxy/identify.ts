/** From a verified token to all that the backend is told of it, once per token; an assertion among it is made anew in time. */
import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../lib/json-text.ts';
import { type AssertionTerms, formatAssertionClaims, signAssertion } from '../oauth/assertion.ts';
import type { AccessToken, Identity, IssuedAssertion } from '../oauth/principal.ts';
import { type ClaimHeader, readClaimHeaders, type WithheldClaim } from './claim-headers.ts';
import { formatIdentityFields } from './identity-headers.ts';

export interface IdentifyOptions {
  readonly claimHeaders: readonly ClaimHeader[];
  /** Undefined where no assertion is sent. */
  readonly assertions: AssertionTerms | undefined;
  /** Something that the backend should have been told of this token is not passed. */
  onWithheld(withheld: readonly Withheld[], accessToken: AccessToken): void;
}

/** A field that is left out, and why. */
export type Withheld = WithheldClaim | { readonly field: typeof ASSERTION; readonly reason: 'too_long' };

/** `claims` are all that the token says; nothing of them is kept but what is configured. */
export type Identify = (accessToken: AccessToken, claims: JsonObject, nowMs: number) => Identity;

/** The same identity with another assertion. */
export type Renew = (assertion: IssuedAssertion, nowMs: number) => Identity;

const ASSERTION = 'X-Obex-Assertion';
/** What common servers read of one field line; without an assertion a backend that wants one refuses. */
const MAX_ASSERTION_BYTES = 8192;

export function createIdentify({ claimHeaders, assertions, onWithheld }: IdentifyOptions): Identify {
  const isPlain = claimHeaders.length === 0 && assertions === undefined;
  if (isPlain) return (accessToken) => ({ fields: formatIdentityFields(accessToken), assertion: undefined });
  return (accessToken, payload, nowMs) => {
    const { fields: claimFields, claims, withheld } = readClaimHeaders(claimHeaders, payload);
    const fields = [...formatIdentityFields(accessToken), ...claimFields];
    const identity =
      assertions === undefined
        ? { fields, assertion: undefined }
        : issue(assertions, nowMs, {
            otherFields: fields,
            claims: formatAssertionClaims(assertions, accessToken, claims),
            tokenExpiresAtMs: accessToken.expiresAtMs,
          });
    const isTooLong = assertions !== undefined && identity.assertion === undefined;
    const all: readonly Withheld[] = isTooLong ? [...withheld, { field: ASSERTION, reason: 'too_long' }] : withheld;
    if (all.length > 0) onWithheld(all, accessToken);
    return identity;
  };
}

export function createRenew(terms: AssertionTerms): Renew {
  return ({ otherFields, claims, tokenExpiresAtMs }, nowMs) =>
    issue(terms, nowMs, { otherFields, claims, tokenExpiresAtMs });
}

type Lasting = Pick<IssuedAssertion, 'otherFields' | 'claims' | 'tokenExpiresAtMs'>;

function issue(terms: AssertionTerms, nowMs: number, lasting: Lasting): Identity {
  const { otherFields, claims, tokenExpiresAtMs } = lasting;
  const compact = signAssertion(terms, claims, { nowMs, tokenExpiresAtMs, id: randomUUID() });
  if (compact.length > MAX_ASSERTION_BYTES) return { fields: otherFields, assertion: undefined };
  return {
    fields: [...otherFields, ASSERTION, compact],
    // Half of its life is left to whoever gets it last.
    assertion: { ...lasting, madeAtMs: nowMs, staleAtMs: nowMs + terms.ttlMs / 2 },
  };
}
