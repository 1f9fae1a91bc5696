/** The grant by identity assertion: an access token for what a trusted issuer says, without a page. RFC 7523 §2.1, draft-ietf-oauth-identity-assertion-authz-grant-03 §4.4. */
import { type AccessToken, errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import {
  buildTokenResponse,
  checkDpopReplay,
  resolveRequestedResources,
  validateDpop,
} from 'oidc-provider/lib/helpers/grants.js';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../observe/log.ts';
import { shortClientId } from '../../observe/short-client-id.ts';
import type { IssuerKeys } from '../../state/jwks-cache.ts';
import type { LoginOptions } from '../options.ts';
import { isAllowed } from '../people/allow.ts';
import { grantableScopes, requestedScopes } from '../people/scopes.ts';
import { findResource } from '../resources.ts';
import type { Records } from '../store/records.ts';
import { noteAsserted } from './asserted-person.ts';
import { LONGEST_LIFE_MS } from './judge-assertion.ts';
import { JWT_BEARER } from './names.ts';
import { AssertionRefused, isRefused, refuse } from './refusal.ts';
import { createVerifyAssertion, type VerifiedAssertion, type VerifyAssertion } from './verify-assertion.ts';

export interface AssertionGrantParts {
  readonly options: LoginOptions;
  readonly clock: Clock;
  readonly log: Log;
  /** Assertions that have been used. */
  readonly used: Records<string>;
  findKeys(issuer: string): IssuerKeys | undefined;
}

/** The clients of this server that may use the grant. */
export function assertingClients({
  identityAssertions,
}: Pick<LoginOptions, 'identityAssertions'>): ReadonlySet<string> {
  return new Set(identityAssertions.flatMap(({ clientIds }) => clientIds));
}

export function registerAssertionGrant(provider: Provider, parts: AssertionGrantParts): void {
  const verify = createVerifyAssertion(parts);
  const handle = (context: TokenEndpointGrantContext): Promise<void> => answer({ provider, parts, verify }, context);
  provider.registerGrantType(JWT_BEARER, handle, ['assertion', 'scope', 'resource']);
}

interface Grant {
  readonly provider: Provider;
  readonly parts: AssertionGrantParts;
  readonly verify: VerifyAssertion;
}

async function answer({ provider, parts, verify }: Grant, context: TokenEndpointGrantContext): Promise<void> {
  const { client, params } = context.oidc;
  const { clientId, clientAuthMethod } = client;
  // Draft §8.1: for confidential clients. No other has the grant type; it must not hang on that alone.
  if (clientAuthMethod === 'none') throw new errors.InvalidClientAuth('a public client');
  if (typeof params['assertion'] !== 'string')
    throw new errors.InvalidRequest("missing required parameter 'assertion'");
  const proof = await validateDpop(provider, context);
  const asserted = await verify(params['assertion'], { clientId, jkt: proof?.thumbprint });
  if (isRefused(asserted)) throw new AssertionRefused(asserted);
  const { person } = asserted;
  // What the assertion is for, whether the client names it too or not: where there are several it need not choose again.
  params['resource'] ??= asserted.resource;
  if (params['resource'] !== asserted.resource) throw new errors.InvalidTarget();
  const [resourceServer] = await resolveRequestedResources(provider, context);
  const scope = decideScopes(parts.options, asserted, params.scope).join(' ');
  await checkDpopReplay(provider, context, proof, clientId);
  await spend(parts, asserted);
  // Of no grant: there is no refresh token (§4.4.3), and nothing that a later request could go on with.
  const token = new provider.AccessToken({
    accountId: person.subject,
    client,
    resourceServer,
    scope,
    grantId: '',
    gty: 'jwt_bearer',
  });
  if (proof !== undefined) token.setThumbprint('jkt', proof.thumbprint);
  noteAsserted(token, person);
  context.oidc.entity('AccessToken', token);
  const accessToken = await token.save();
  parts.log.info('login_succeeded', {
    subject: person.subject,
    oauth_client: shortClientId(clientId),
    scope,
    by: 'identity_assertion',
  });
  context.body = describeToken(provider, token, accessToken);
}

/** §4.4.1: the granted resource and scope are told. */
function describeToken(provider: Provider, token: AccessToken, accessToken: string): object {
  return buildTokenResponse(provider, {
    accessToken,
    expiresIn: token.expiration,
    scope: token.scope,
    tokenType: token.tokenType,
    parameters: { resource: token.aud },
  });
}

/** What the issuer lets the client have, what the client asks for, and what the person may have: no more than each of them. */
function decideScopes(
  { allow, scopeGrants, resources }: LoginOptions,
  { person, resource: name, scopes: asserted }: VerifiedAssertion,
  asked: string | undefined,
): readonly string[] {
  if (!isAllowed(person, allow)) throw new AssertionRefused(refuse('not_allowed', { actual: person.subject }));
  const resource = findResource(resources, name);
  if (resource === undefined) throw new TypeError('a resource that was found is gone');
  const may = grantableScopes(person, scopeGrants, resource).filter((scope) => asserted?.includes(scope) ?? true);
  // Without `scope` in the request the issuer's word is what is asked for, which may be none of ours.
  const wanted = asked === undefined && asserted !== undefined ? asserted : requestedScopes(asked, resource);
  const scopes = may.filter((scope) => wanted.includes(scope));
  if (scopes.length > 0) return scopes;
  throw new AssertionRefused(refuse('no_scopes', { expected: may.join(' '), actual: wanted.join(' ').slice(0, 200) }));
}

/** RFC 7523 §3 rule 7: once, over all replicas. Kept as long again as one may live, for clocks that are set back. */
async function spend({ used }: AssertionGrantParts, { issuer, id, expiresAtMs }: VerifiedAssertion): Promise<void> {
  const isFirst = await used.add(JSON.stringify([issuer, id]), '', expiresAtMs + LONGEST_LIFE_MS);
  if (!isFirst) throw new AssertionRefused(refuse('used_already', { actual: id }));
}
