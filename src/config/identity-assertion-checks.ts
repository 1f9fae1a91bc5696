/** Rules about `login.identity_assertions`: whose they are, and who may come with them. draft-ietf-oauth-identity-assertion-authz-grant-03 §3.1 (sub), §8.1, §8.3. */
import { isSecureUrl } from '../lib/secure-url.ts';
import type { Draft } from './draft.ts';
import { knownIssuer } from './login-providers.ts';
import { isRecord, type Path } from './path.ts';
import { read, readItems } from './read-value.ts';
import { refuse } from './refused.ts';
import { sections } from './schema.ts';

const LIST = ['login', 'identity_assertions'];
const CLIENTS = ['login', 'clients', 'static'];

const login = sections.shape.login.def.innerType.shape;
const assertion = login.identity_assertions.def.innerType.def.element.shape;

export function checkIdentityAssertions(draft: Draft): void {
  const list = draft.valueAt(LIST);
  if (!Array.isArray(list)) return;
  const places = list.flatMap((entry: unknown, index) => (isRecord(entry) ? [[...LIST, index]] : []));
  for (const [index, place] of places.entries()) {
    checkIssuer(draft, place, index);
    checkKeys(draft, place);
    checkClients(draft, place);
  }
}

/** All are of the one IdP, so that a second entry could only contradict the first. */
function checkIssuer(draft: Draft, place: Path, index: number): void {
  const path = [...place, 'issuer'];
  const issuer = read(draft, path, assertion.issuer);
  if (issuer === undefined) return;
  if (index > 0) return draft.report(place, 'is one too many: there is one IdP; name all clients in the first entry');
  const idp = loginIssuer(draft);
  if (idp === undefined || issuer === idp) return;
  draft.reportRefusal(path, {
    message: `must be the IdP at which people log in, ${JSON.stringify(idp)}, byte for byte`,
    got: { value: issuer },
    cure: 'a sub of another issuer could be that of somebody else',
  });
}

function loginIssuer(draft: Draft): string | undefined {
  const provider = read(draft, ['login', 'provider'], login.provider);
  const known = provider && knownIssuer(provider, read(draft, ['login', 'tenant'], login.tenant));
  return known ?? read(draft, ['login', 'issuer'], login.issuer);
}

function checkKeys(draft: Draft, place: Path): void {
  const path = [...place, 'jwks_uri'];
  const uri = read(draft, path, assertion.jwks_uri);
  if (uri === undefined || isSecureUrl(new URL(uri))) return;
  if (read(draft, ['login', 'dangerously_allow_http'], login.dangerously_allow_http) !== false) return;
  draft.reportRefusal(path, {
    message: 'must begin with https://, for whoever sits on the network could assert to be anybody',
    got: { value: uri },
    cure: 'http is for loopback, or for development with login.dangerously_allow_http: true',
  });
}

/** §8.1: whoever got hold of an assertion could use it, did the client not have to prove who it is. */
function checkClients(draft: Draft, place: Path): void {
  const list = draft.valueAt(CLIENTS);
  const clients: readonly unknown[] = Array.isArray(list) ? list : [];
  for (const { path, value } of readItems(draft, [...place, 'client_ids'], (item) =>
    typeof item === 'string' ? item : refuse('expected a string', item),
  )) {
    const index = clients.findIndex((client) => isRecord(client) && client['client_id'] === value);
    const client = clients[index];
    if (!isRecord(client)) {
      draft.report(path, 'is no client of login.clients.static; add it there, with a client_secret');
    } else if (client['client_secret'] === undefined && !draft.isAtFault([...CLIENTS, index, 'client_secret'])) {
      draft.report(
        path,
        `is a public client, and anybody could say to be it; give login.clients.static[${index}] a client_secret`,
      );
    }
  }
}
