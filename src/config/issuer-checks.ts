/** Rules between the values of issuers. RFC 8414 §2 (issuer), RFC 7519 §4.1.1 (iss), §4.1.3 (aud). */
import { isSecureUrl } from '../lib/secure-url.ts';
import { issuerPlaces } from './apply-presets.ts';
import type { Draft } from './draft.ts';
import { ownIssuer } from './own-issuer.ts';
import { formatPath, isRecord, type Path } from './path.ts';
import { read, readItems } from './read-value.ts';
import { Refused } from './refused.ts';
import { sections } from './schema.ts';
import { parseAuthorizationServer, parseDiscoverableIssuer, parseIssuerAlias } from './urls.ts';

const idp = sections.shape.idp.def.innerType.shape;

export function checkIssuers(draft: Draft): void {
  const allowHttp = mayUseHttp(draft);
  const claimed = new Map<string, Path>();
  for (const place of issuerPlaces(draft)) {
    checkIssuer(draft, place, allowHttp);
    checkAudienceClaim(draft, place);
    checkOwn(draft, place);
    checkClaimed(draft, place, claimed);
  }
  checkIntrospection(draft);
}

function mayUseHttp(draft: Draft): boolean {
  return read(draft, ['idp', 'dangerously_allow_http'], idp.dangerously_allow_http) ?? false;
}

function checkIssuer(draft: Draft, place: Path, allowHttp: boolean): void {
  const path = [...place, 'issuer'];
  const issuer = read(draft, path, idp.issuer);
  const keys = [...place, 'jwks_uri'];
  const jwksUri = read(draft, keys, idp.jwks_uri);
  if (!allowHttp) checkSecure(draft, keys, jwksUri);
  const endpoint = readEndpoint(draft, place, allowHttp);
  // With keys from elsewhere it is a name: nothing is fetched there.
  const hasOwnKeys = jwksUri !== undefined || draft.isAtFault(keys);
  if (issuer === undefined || (hasOwnKeys && endpoint !== 'discovered')) return;
  checkDiscoverable(draft, path, { issuer, allowHttp });
}

/** Of an issuer's `introspection`, if it has one: whether the endpoint is to be found in its metadata. */
function readEndpoint(draft: Draft, place: Path, allowHttp: boolean): 'discovered' | 'configured' | undefined {
  const path = [...place, 'introspection', 'endpoint'];
  if (!isRecord(draft.valueAt(path.slice(0, -1)))) return undefined;
  const endpoint = read(draft, path, idp.introspection.def.innerType.shape.endpoint);
  if (!allowHttp) checkSecure(draft, path, endpoint);
  return endpoint === undefined && !draft.isAtFault(path) ? 'discovered' : 'configured';
}

/** A token that is no JWT does not say whose it is, and its issuer alone may see it. */
function checkIntrospection(draft: Draft): void {
  const [first, ...others] = issuerPlaces(draft)
    .map((place) => [...place, 'introspection'])
    .filter((path) => draft.valueAt(path) !== undefined);
  for (const other of others) {
    const taken = formatPath(draft.writtenPath(first ?? other));
    draft.report(other, `is taken by ${taken}: an opaque token does not say whose it is; delete one of them`);
  }
}

function namesOf(draft: Draft, place: Path): readonly { readonly path: Path; readonly value: string }[] {
  const path = [...place, 'issuer'];
  const issuer = read(draft, path, idp.issuer);
  const own = issuer === undefined ? [] : [{ path, value: issuer }];
  return [...own, ...readItems(draft, [...place, 'issuer_aliases'], parseIssuerAlias)];
}

/** With `login` there is an issuer that nobody has written. */
function checkOwn(draft: Draft, place: Path): void {
  const publicUrl = read(draft, ['obex', 'public_url'], sections.shape.obex.def.out.shape.public_url);
  if (publicUrl === undefined || draft.valueAt(['login']) === undefined) return;
  const own = ownIssuer(publicUrl);
  for (const { path, value } of namesOf(draft, place)) {
    if (value === own || value === `${own}/`) {
      draft.report(path, 'is Obex itself, whose tokens are accepted by login; delete it here, or delete login');
    }
  }
}

/** Which keys an `iss` stands for must not depend on the order of a list. */
function checkClaimed(draft: Draft, place: Path, claimed: Map<string, Path>): void {
  for (const name of namesOf(draft, place)) {
    const first = claimed.get(name.value);
    if (first !== undefined)
      draft.report(name.path, `is the same issuer as ${formatPath(draft.writtenPath(first))}; delete one of them`);
    claimed.set(name.value, first ?? name.path);
  }
}

/** `resource.url` is the audience where none is named, and no client has it for an id. */
function checkAudienceClaim(draft: Draft, place: Path): void {
  const own = [...place, 'audience_claim'];
  const path = draft.valueAt(own) === undefined ? ['idp', 'audience_claim'] : own;
  if (read(draft, path, idp.audience_claim) !== 'client_id') return;
  const lists = [
    [...place, 'audiences'],
    ['resource', 'audiences'],
  ];
  if (lists.some((list) => draft.isAtFault(list) || !isEmpty(draft.valueAt(list)))) return;
  const key = place.length === 1 ? 'resource.audiences' : `${formatPath(place)}.audiences`;
  draft.report(path, `client_id: the ids of the clients that may use this resource are not named; list them in ${key}`);
}

function isEmpty(list: unknown): boolean {
  return list === undefined || (Array.isArray(list) && list.length === 0);
}

export function checkAuthorizationServers(draft: Draft): void {
  if (mayUseHttp(draft)) return;
  for (const { path, value } of readItems(draft, ['resource', 'authorization_servers'], parseAuthorizationServer)) {
    if (isSecureUrl(new URL(value))) continue;
    draft.reportRefusal(path, {
      message: 'must begin with https:// (RFC 8414 §2)',
      got: { value },
      cure: 'http is for loopback, or for development with idp.dangerously_allow_http: true',
    });
  }
}

function checkDiscoverable(draft: Draft, path: Path, given: { issuer: string; allowHttp: boolean }): void {
  const url = parseDiscoverableIssuer(given.issuer);
  if (url instanceof Refused) draft.reportRefusal(path, url.refusal);
  else if (!given.allowHttp) checkSecure(draft, path, given.issuer);
}

function checkSecure(draft: Draft, path: Path, text: string | undefined): void {
  if (text === undefined || isSecureUrl(new URL(text))) return;
  draft.reportRefusal(path, {
    message: 'must begin with https://, for whoever sits on the network could forge tokens',
    got: { value: text },
    cure: 'http is for loopback, or for development with idp.dangerously_allow_http: true',
  });
}
