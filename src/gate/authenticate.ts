/** Who is asking: phases 1 and 2, and what all phases share. RFC 6750 §2.1, RFC 9068 §4. */
import { turnEnd } from '../lib/turn-end.ts';
import { type Credentials, parseCredentials } from '../oauth/credentials.ts';
import { type Denial, deny, isDenied } from '../oauth/denial.ts';
import type { Principal } from '../oauth/principal.ts';
import type { VerifiedToken } from '../state/verified-tokens.ts';
import { refuseOtherCertificate, type Sender } from './certificate-binding.ts';
import type { Charge } from './charge.ts';
import type { TokenCheck } from './token-check.ts';

/** All that authentication may look at. */
export interface RequestFacts {
  readonly method: string;
  /** Raw request target. */
  readonly target: string;
  /** Values of the Authorization field lines. */
  readonly authorization: readonly string[];
  /** Values of the DPoP field lines. */
  readonly dpop: readonly string[];
  /** What a rate limit counts by as long as nobody is authenticated. */
  readonly clientKey: string;
  readonly sender: Sender;
}

/** Who was let in, and the field lines (a new DPoP nonce) that the answer must carry. */
export interface Admission {
  readonly principal: Principal;
  readonly responseFields: readonly string[];
}

/** Synchronous unless there is something to verify: a token that is not known, or a proof. */
export type Authenticate = (facts: RequestFacts) => Admission | Denial | Promise<Admission | Denial>;

/** Whom a request is charged to, before and after it is known who sends it. */
export interface Charges {
  readonly chargeClient: Charge;
  readonly refundClient: (key: string) => void;
  /** Whether `chargePrincipal` would refuse. */
  readonly lookPrincipal: Charge;
  readonly chargePrincipal: Charge;
}

export function admit(principal: Principal): Admission {
  return { principal, responseFields: NO_FIELDS };
}

const NO_FIELDS: readonly string[] = [];
const ANYBODY = admit({ accessToken: undefined, key: undefined, identityFields: NO_FIELDS, rateLimitKey: '' });

/** Phase 1: a Bearer credential must be there; nobody looks into it. */
export function createPresenceCheck({ chargeClient }: Charges): Authenticate {
  return (facts) => {
    const limited = chargeClient(facts.clientKey);
    if (limited !== undefined) return limited;
    const credentials = parseBearer(facts.authorization);
    return isDenied(credentials) ? credentials : ANYBODY;
  };
}

export interface BearerAuthentication extends Charges {
  readonly tokens: TokenCheck;
  /** Why a token that is bound to a DPoP key is refused when it comes without a proof that Obex could check. */
  readonly boundTokenReason: 'token_not_bound' | 'missing_dpop';
}

/** Phase 2: the token is verified, or was a moment ago. */
export function createBearerAuthentication(parts: BearerAuthentication): Authenticate {
  const { tokens, chargeClient, refundClient, chargePrincipal } = parts;

  const conclude = (token: VerifiedToken | Denial, { clientKey, sender }: RequestFacts): Admission | Denial => {
    if (isDenied(token)) return token;
    const { principal } = token;
    const unbound = isBound(token) ? refuseBound(token, sender) : undefined;
    if (unbound !== undefined) return unbound;
    refundClient(clientKey);
    return chargePrincipal(principal.rateLimitKey) ?? admit(principal);
  };

  const refuseBound = ({ principal: { accessToken } }: VerifiedToken, sender: Sender): Denial | undefined => {
    if (accessToken?.jkt === undefined) return accessToken && refuseOtherCertificate(accessToken, sender);
    return deny(parts.boundTokenReason, { detail: 'the token is bound to a key', token: accessToken });
  };

  /** In one go, unless keys must be fetched: a charge that is given back must not stand in the way of anybody's request. */
  const verify = (accessToken: string, facts: RequestFacts): Admission | Denial | Promise<Admission | Denial> => {
    const limited = chargeClient(facts.clientKey);
    if (limited !== undefined) return limited;
    // Another request of the same turn may have brought the same token.
    const token = tokens.known(accessToken) ?? tokens.verify(accessToken, facts.clientKey);
    if (token instanceof Promise) return token.then((outcome) => conclude(outcome, facts));
    return conclude(token, facts);
  };

  return (facts) => {
    const credentials = parseBearer(facts.authorization);
    if (isDenied(credentials)) return chargeClient(facts.clientKey) ?? credentials;
    const { accessToken } = credentials;
    const known = tokens.known(accessToken);
    if (known === undefined) return turnEnd().then(() => verify(accessToken, facts));
    // However often the token has been here: the certificate is that of each request.
    const unbound = isBound(known) ? refuseBound(known, facts.sender) : undefined;
    if (unbound !== undefined) return chargeClient(facts.clientKey) ?? unbound;
    return chargePrincipal(known.principal.rateLimitKey) ?? admit(known.principal);
  };
}

function isBound({ principal: { accessToken } }: VerifiedToken): boolean {
  return accessToken?.jkt !== undefined || accessToken?.x5tS256 !== undefined;
}

/** Where no proof is looked at the DPoP scheme is as unknown as any other: a client must not believe otherwise. */
function parseBearer(authorization: readonly string[]): Credentials | Denial {
  const credentials = parseCredentials(authorization);
  if (isDenied(credentials) || credentials.scheme === 'Bearer') return credentials;
  return deny('no_token', { expected: 'Bearer', actual: credentials.scheme });
}
