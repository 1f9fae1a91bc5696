/** From the text of an identity assertion to who it speaks for, or to the reason why not. RFC 7523 §3, RFC 8725 §3, draft-ietf-oauth-identity-assertion-authz-grant-03 §4.4.1. */
import type { Clock } from '../../lib/clock.ts';
import { isDenied } from '../../oauth/denial.ts';
import { isJwsAlgorithm, JWS_ALGORITHMS, type JwsAlgorithm, verifySignature } from '../../oauth/jwa.ts';
import { selectKeys } from '../../oauth/jwks.ts';
import { type Jws, parseJws } from '../../oauth/jws.ts';
import type { IssuerKeys } from '../../state/jwks-cache.ts';
import type { AssertionIssuer, LoginOptions } from '../options.ts';
import { UPSTREAM_PRESETS } from '../upstream/presets.ts';
import { UpstreamUnavailable } from '../upstream/upstream.ts';
import { type Asserted, judgeAssertion, type Presenter } from './judge-assertion.ts';
import { type AssertionRefusal, isRefused, refuse, show } from './refusal.ts';

export interface VerifyOptions {
  readonly options: Pick<LoginOptions, 'identityAssertions' | 'issuer' | 'resources' | 'upstream'>;
  readonly clock: Clock;
  /** Undefined: nobody keeps keys of this issuer any more. */
  findKeys(issuer: string): IssuerKeys | undefined;
}

export interface VerifiedAssertion extends Asserted {
  readonly issuer: string;
}

/** Rejects with `UpstreamUnavailable` when the keys that it takes cannot be had. */
export type VerifyAssertion = (compact: string, presenter: Presenter) => Promise<VerifiedAssertion | AssertionRefusal>;

/** Draft §3.1: `typ` MUST be this, which no other JWT of the issuer has. Compared exactly. */
const TYP = 'oauth-id-jag+jwt';

export function createVerifyAssertion({ options, clock, findKeys }: VerifyOptions): VerifyAssertion {
  const { identityAssertions, issuer: audience, resources, upstream } = options;
  const claimTerms = { preset: UPSTREAM_PRESETS[upstream.provider], groupsClaim: upstream.groupsClaim };
  return async (compact, presenter) => {
    const jws = readAssertion(compact);
    if (isRefused(jws)) return jws;
    const trusted = findIssuer(identityAssertions, jws, presenter);
    if (isRefused(trusted)) return trusted;
    const judged = judgeAssertion(jws.payload, { ...claimTerms, ...presenter, audience, resources }, clock.nowMs());
    const { issuer } = trusted;
    // One that fails anyway is not worth a fetch; and what it says is not worth an answer before its signature.
    const fault = await verify(jws, issuer, { keys: findKeys(issuer), worthFetching: !isRefused(judged) });
    return fault ?? (isRefused(judged) ? judged : { ...judged, issuer });
  };
}

function readAssertion(compact: string): (Jws & { readonly alg: JwsAlgorithm }) | AssertionRefusal {
  const jws = parseJws(compact);
  if (isDenied(jws)) return refuse('malformed', { actual: jws.evidence.detail });
  const { typ, alg } = jws.header;
  if (typ !== TYP) return refuse('wrong_type', { expected: TYP, actual: show(typ) });
  if (!isJwsAlgorithm(alg)) {
    return refuse('unsupported_algorithm', { expected: JWS_ALGORITHMS.join(' '), actual: show(alg) });
  }
  return { ...jws, alg };
}

/** RFC 7523 §3 rule 1; and the issuer vouches for the clients that it is named with, for no others. */
function findIssuer(
  issuers: readonly AssertionIssuer[],
  { payload }: Jws,
  { clientId }: Presenter,
): AssertionIssuer | AssertionRefusal {
  const issuer = issuers.find((each) => each.issuer === payload['iss']);
  if (issuer === undefined) {
    const expected = issuers.map((each) => each.issuer).join(' ');
    return refuse('unknown_issuer', { expected, actual: show(payload['iss']) });
  }
  return issuer.clientIds.includes(clientId) ? issuer : refuse('client_not_named', { actual: show(clientId) });
}

interface Fetching {
  readonly keys: IssuerKeys | undefined;
  readonly worthFetching: boolean;
}

/** Rotated keys, also under a known kid, show as a signature that no known key verifies: the issuer is asked once more. */
async function verify(
  jws: Jws & { readonly alg: JwsAlgorithm },
  issuer: string,
  { keys, worthFetching }: Fetching,
): Promise<AssertionRefusal | undefined> {
  if (keys === undefined) throw outage(issuer);
  if (isSigned(jws, keys)) return undefined;
  for (let isJoined = true, tries = 0; isJoined && tries < 2; tries += 1) {
    const before = keys.keys;
    isJoined = await keys.refresh(worthFetching);
    if (keys.keys !== before && isSigned(jws, keys)) return undefined;
  }
  if (keys.keys === undefined) throw outage(issuer);
  const { alg } = jws;
  if (selectKeys(keys.keys, alg, jws.header.kid).length > 0) return refuse('invalid_signature');
  if (keys.lastFetchFailed) throw outage(issuer);
  return refuse('unknown_key', { expected: `a key of ${issuer}`, actual: `${alg}, kid ${show(jws.header.kid)}` });
}

/** 503: the client is to keep the assertion, and to come again with it. */
function outage(issuer: string): UpstreamUnavailable {
  return new UpstreamUnavailable(`no keys of ${issuer} to verify an assertion with`);
}

function isSigned(jws: Jws & { readonly alg: JwsAlgorithm }, { keys = [] }: IssuerKeys): boolean {
  return selectKeys(keys, jws.alg, jws.header.kid).some(({ key }) => verifySignature(jws.alg, key, jws));
}
