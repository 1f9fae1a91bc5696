/** Finds clients that meet the same refusal again and again, and slows them down. RFC 6585 §4, RFC 9110 §10.2.3. */
import type { Clock } from '../lib/clock.ts';
import { type Denial, type DenialReason, deny, type Evidence } from '../oauth/denial.ts';
import { clipEvidence } from '../observe/access-line.ts';
import type { Log } from '../observe/log.ts';
import type { RefusalCounts } from '../state/refusal-counts.ts';

/** The reasons that no new token cures, and what the owner has to change instead. */
const CURES: Readonly<Partial<Record<DenialReason, string>>> = {
  audience_mismatch:
    'tokens are made for what actual says: let the IdP write one of resource.audiences into aud, or add what actual says to ' +
    'resource.audiences',
  id_token:
    'the client sends the ID token of its login: let it send the access token. Where access tokens of the issuer are made like ' +
    'ID tokens, as those of Dex are, set dangerously_accept_id_tokens of that issuer',
  insufficient_scope:
    'new tokens bring no more scopes: let the IdP grant this client and subject what expected says, or take it out of ' +
    'authz.required_scopes',
  token_not_bound:
    'the binding of the tokens and what comes with them do not fit (detail says how): set dpop.enabled where tokens are bound ' +
    'to DPoP keys, obex.tls.client_auth or obex.client_cert_header where they are bound to certificates, or let the IdP issue ' +
    'this client the other kind',
  invalid_issuer:
    'name what actual says, byte for byte, as idp.issuer or in idp.additional_issuers, or let the client ask an issuer that ' +
    'expected names',
  invalid_signature:
    'no key of the issuer has signed it: see that idp.jwks_uri belongs to the instance that issues the tokens, and that nothing ' +
    'changes them on the way',
  unknown_key:
    'the issuer does not publish the key (detail says which): see that idp.jwks_uri belongs to the instance that issues the ' +
    'tokens, and that the client does not keep an old one',
};

/** Where refusals are counted: apart, so that no flood of made-up tokens touches the counts of those who are known. */
export interface RefusalTables {
  /** By issuer, client and subject. */
  readonly verified: RefusalCounts;
  /** By token. */
  readonly unverified: RefusalCounts;
}

/** A request that is about to be refused. */
export interface RefusedRequest {
  readonly requestId: string;
  readonly clientAddress: { readonly address: string };
  /** The token as it came; undefined without one. */
  readonly presentedToken: string | undefined;
  /** Whom it is for; its `name` is undefined where there is but one. */
  readonly server: { readonly name: string | undefined } | undefined;
}

/** The refusal that the request gets: the one given, or `refusal_loop` in its place. */
export type JudgeRefusal = (denial: Denial, request: RefusedRequest) => Denial;

/** A refusal is counted by who met it and why, never by address: many people share one. */
export function createRefusalLoop(tables: RefusalTables, { clock, log }: { clock: Clock; log: Log }): JudgeRefusal {
  return (denial, request) => {
    const { reason, evidence } = denial;
    const cure = CURES[reason];
    if (cure === undefined) return denial;
    const { token } = evidence;
    const server = request.server?.name;
    const { waitMs, toTell } =
      token === undefined
        ? tables.unverified.count(`${server ?? ''} ${reason} ${request.presentedToken ?? ''}`, clock.monotonicMs())
        : tables.verified.count(
            JSON.stringify([reason, token.issuer, token.client, token.subject, server]),
            clock.monotonicMs(),
          );
    if (toTell > 0) log.warn('refusal_loop', { ...describe(denial, request), count: toTell, cure });
    if (waitMs === 0) return denial;
    const retryAfter = String(Math.ceil(waitMs / 1000));
    return deny('refusal_loop', { ...evidence, detail: describeReason(reason, evidence) }, ['Retry-After', retryAfter]);
  };
}

function describe(
  { reason, evidence }: Denial,
  { requestId, clientAddress, server }: RefusedRequest,
): Record<string, unknown> {
  const { token, expected, actual, detail } = evidence;
  return {
    request_id: requestId,
    server: server?.name,
    client: clientAddress.address,
    reason,
    issuer: token?.issuer,
    oauth_client: token?.client,
    subject: token?.subject,
    expected: clipEvidence(expected),
    actual: clipEvidence(actual),
    detail: clipEvidence(detail),
  };
}

function describeReason(reason: DenialReason, { detail }: Evidence): string {
  return detail === undefined ? reason : `${reason}: ${detail}`;
}
