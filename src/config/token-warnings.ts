/** What may not be meant about issuers and audiences. RFC 9728 §2 (authorization_servers), OpenID Connect Core §2 (aud). */
import { isSecureUrl } from '../lib/secure-url.ts';
import { collectPresetWarnings } from './preset-warnings.ts';
import type { ServerView } from './schema.ts';
import { parseDiscoverableIssuer } from './urls.ts';

/** Whole sentences; none without idp. */
export function collectTokenWarnings(config: ServerView): readonly string[] {
  const { idp } = config;
  if (idp === undefined) return [];
  const issuers = listIssuers(config);
  const byClient = issuers.filter((entry) => entry.audience_claim === 'client_id');
  // Audiences that an issuer has from resource are that very list.
  const holders = new Map(
    issuers
      .filter((entry) => entry.audience_claim === 'aud')
      .map(({ key, audiences }) => [audiences === config.resource.audiences ? 'resource' : key, audiences]),
  );
  return [
    ...issuers.filter((entry) => entry.dangerously_accept_id_tokens).map(warnOfIdTokens),
    ...issuers.filter((entry) => isAskedEachTime(entry, config.token_cache)).map(warnOfQuestions),
    ...issuers.filter(({ issuer }) => !isLoginUrl(issuer, idp.dangerously_allow_http)).map(warnOfName),
    ...[...holders].flatMap(([key, audiences]) => warnOfClientIds(key, audiences.filter(isLikeClientId))),
    ...(config.authz.required_scopes.length === 0 ? byClient.map(warnOfClients) : []),
    ...byClient.filter(({ scope_claims: claims }) => claims.some(isOfNoApi)).map(warnOfRoles),
    ...issuers.flatMap(collectPresetWarnings),
  ];
}

/** But for Obex itself, of which there is nothing to say. */
function listIssuers({ idp }: ServerView) {
  if (idp === undefined) return [];
  const further = idp.additional_issuers.map((entry, index) => ({ ...entry, key: `idp.additional_issuers[${index}]` }));
  return [{ ...idp, key: 'idp' }, ...further].filter(({ keys }) => keys === 'fetched');
}

function warnOfClients({ key }: { readonly key: string }): string {
  return (
    `${key}.audience_claim client_id, and authz.required_scopes is empty: every access token of the clients in audiences is let ` +
    'in, for whatever API it was made. Require a scope that belongs to this one'
  );
}

/** Roles, groups and the like are the person's, whatever API the token was made for. */
function isOfNoApi(claim: string): boolean {
  return claim !== 'scope' && claim !== 'scp';
}

function warnOfRoles({ key }: { readonly key: string }): string {
  return (
    `${key}.audience_claim client_id, and ${key}.scope_claims names claims that say nothing of an API: every access token of the ` +
    'clients in audiences is let in whose user has the role, for whatever API it was made'
  );
}

function warnOfIdTokens({ key }: { readonly key: string }): string {
  return `${key}.dangerously_accept_id_tokens: whoever gets hold of an ID token for an accepted audience is let in`;
}

/** `introspection.cache_ttl: 0s` says the same, and is meant. */
function isAskedEachTime(
  { introspection }: Pick<NonNullable<ServerView['idp']>, 'introspection'>,
  { max_entries: entries, max_bytes: bytes }: ServerView['token_cache'],
): boolean {
  return introspection !== undefined && introspection.cache_ttl > 0 && (entries === 0 || bytes === 0);
}

function warnOfQuestions({ key }: { readonly key: string }): string {
  return (
    `${key}.introspection.cache_ttl has no effect: answers are kept in the token cache, which token_cache switches off, so the ` +
    'issuer is asked at each request'
  );
}

function warnOfName({ key, issuer }: { readonly key: string; readonly issuer: string }): string {
  return (
    `${key}.issuer ${JSON.stringify(issuer)} is no https URL without query and fragment: the metadata cannot name it, so clients ` +
    'must know by themselves where to log in'
  );
}

function warnOfClientIds(key: string, clientIds: readonly string[]): readonly string[] {
  if (clientIds.length === 0) return [];
  return [
    `${key}.audiences: ${clientIds.join(' ')} may be a client id: ID tokens of that client name it too, and those without ` +
      'nonce, at_hash and c_hash pass as access tokens. Better let the IdP put resource.url into aud',
  ];
}

/** Whether clients can be sent there. */
function isLoginUrl(issuer: string, allowHttp: boolean): boolean {
  const url = parseDiscoverableIssuer(issuer);
  return url instanceof URL && (allowHttp || isSecureUrl(url));
}

/** Neither a URI nor the name of a host, but for Google's client ids, which are one. */
function isLikeClientId(audience: string): boolean {
  return !/[:/.]/.test(audience) || /^[^:/]+\.apps\.googleusercontent\.com$/.test(audience);
}
