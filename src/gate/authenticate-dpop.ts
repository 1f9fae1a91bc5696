/** Who is asking, phase 3: the token is verified, and so is the proof that its sender holds the key. RFC 9449 §7. */
import { turnEnd } from '../lib/turn-end.ts';
import { type Credentials, parseCredentials, type Scheme } from '../oauth/credentials.ts';
import { type Denial, deny, isDenied } from '../oauth/denial.ts';
import type { VerifiedToken } from '../state/verified-tokens.ts';
import {
  type Admission,
  type Authenticate,
  type Charges,
  createBearerAuthentication,
  type RequestFacts,
} from './authenticate.ts';
import { refuseOtherCertificate } from './certificate-binding.ts';
import type { TokenCheck } from './token-check.ts';
import type { VerifyDpopProof } from './verify-dpop-proof.ts';

export interface DpopAuthentication extends Charges {
  readonly tokens: TokenCheck;
  readonly verifyDpopProof: VerifyDpopProof;
  /** Raw request target → the URI that a proof must name. */
  createTargetUri(target: string): string;
  /** Refuses requests without a proof before their token is read. */
  readonly isRequired: boolean;
  /** Takes a bound token with a valid proof under `Authorization: Bearer` too (RFC 9449 §7.2 forbids it). */
  readonly acceptsBearerScheme: boolean;
}

type Outcome = Admission | Denial;

/**
 * A plain Bearer request goes the way of phase 2. Everything else is charged to the client's address until its proof is
 * accepted and recorded: whoever has stolen a bound token, even with proofs that were used, must not use up its owner's
 * allowance, not even while a replay cache elsewhere decides.
 */
export function createDpopAuthentication(parts: DpopAuthentication): Authenticate {
  const authenticateBearer = createBearerAuthentication({ ...parts, boundTokenReason: 'missing_dpop' });
  return (facts) => {
    const credentials = parseCredentials(facts.authorization);
    const isPlain = facts.dpop.length === 0 && !isDenied(credentials) && credentials.scheme === 'Bearer';
    if (isPlain && !parts.isRequired) return authenticateBearer(facts);
    if (isDenied(credentials)) return parts.chargeClient(facts.clientKey) ?? credentials;
    if (parts.isRequired && facts.dpop.length === 0) {
      return parts.chargeClient(facts.clientKey) ?? deny('missing_dpop');
    }
    return authenticateBound(parts, facts, credentials);
  };
}

async function authenticateBound(
  parts: DpopAuthentication,
  facts: RequestFacts,
  { accessToken, scheme }: Credentials,
): Promise<Outcome> {
  await turnEnd();
  // From the charge to its refund in one go, as in phase 2, unless keys must be fetched or the replay cache is elsewhere.
  const limitedClient = parts.chargeClient(facts.clientKey);
  if (limitedClient !== undefined) return limitedClient;
  const found = parts.tokens.known(accessToken) ?? parts.tokens.verify(accessToken, facts.clientKey);
  const token = found instanceof Promise ? await found : found;
  if (isDenied(token)) return token;
  const jkt = requireBinding(parts, facts, { token, scheme });
  if (typeof jkt !== 'string') return jkt;
  const { principal, ath } = token;
  const targetUri = parts.createTargetUri(facts.target);
  const judged = parts.verifyDpopProof({
    dpop: facts.dpop,
    method: facts.method,
    targetUri,
    ath,
    jkt,
    beforeClaim: () => {
      // A look takes nothing: the claim may take its time, and whoever sends a used proof is not the token's owner.
      const limited = parts.lookPrincipal(principal.rateLimitKey);
      if (limited !== undefined) parts.refundClient(facts.clientKey);
      return limited;
    },
  });
  const proof = judged instanceof Promise ? await judged : judged;
  if (isDenied(proof)) return proof;
  parts.refundClient(facts.clientKey);
  // Of several that found room while none had been charged, the last may find none now.
  const limited = parts.chargePrincipal(principal.rateLimitKey);
  if (limited !== undefined) return limited;
  const { nextNonce } = proof;
  return { principal, responseFields: nextNonce === undefined ? [] : ['DPoP-Nonce', nextNonce] };
}

/** The thumbprint of the key that the proof must be made with, or why the token and what comes with it do not fit. */
function requireBinding(
  { acceptsBearerScheme }: DpopAuthentication,
  { dpop, sender }: RequestFacts,
  { token, scheme }: { readonly token: VerifiedToken; readonly scheme: Scheme },
): string | Denial {
  const { accessToken } = token.principal;
  if (dpop.length === 0) return deny('missing_dpop');
  if (accessToken?.jkt === undefined) {
    return deny('token_not_bound', { detail: 'a proof came with a token that is bound to no key', token: accessToken });
  }
  // RFC 9449 §7.2: a bound token must not pass as a bearer token, where its binding may go unchecked.
  if (scheme === 'Bearer' && !acceptsBearerScheme) {
    const detail = 'a bound token came under the Bearer scheme';
    return deny('token_not_bound', { detail, expected: 'DPoP', token: accessToken });
  }
  // RFC 7800 §3.1: a key does not stand in for a certificate that the token names beside it.
  return refuseOtherCertificate(accessToken, sender) ?? accessToken.jkt;
}
