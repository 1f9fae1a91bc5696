/** Rules between the values of `login`, and between it and other sections. OpenID Connect Core §3.1.2.1, §9, RFC 9700 §4.1. */
import type * as z from 'zod/mini';
import { isSecureUrl } from '../lib/secure-url.ts';
import type { Draft } from './draft.ts';
import { checkIdentityAssertions } from './identity-assertion-checks.ts';
import { checkGrants } from './login-grants.ts';
import { knownIssuer, type LoginProvider, PROVIDER_FACTS } from './login-providers.ts';
import { isLoginPath } from './own-issuer.ts';
import { isRecord, type Path } from './path.ts';
import { read } from './read-value.ts';
import { sections } from './schema.ts';

const { shape } = sections;
const login = shape.login.def.innerType.shape;
const store = login.store.def.out.shape;
const obex = shape.obex.def.out.shape;
const resource = shape.resource.def.out.shape;

const ALLOW = ['emails', 'email_domains', 'groups', 'subjects'];
const SCOPES = ['login', 'scopes'];

export function checkLogin(draft: Draft): void {
  if (!isRecord(draft.valueAt(['login']))) return;
  const provider = readKey(draft, 'provider', login.provider);
  if (provider !== undefined) checkIssuer(draft, provider);
  checkCredentials(draft);
  checkAllow(draft);
  checkGrants(draft, provider);
  checkStore(draft);
  checkClients(draft);
  checkIdentityAssertions(draft);
  checkResource(draft);
  const scopes = read(draft, SCOPES, login.scopes);
  if (scopes !== undefined && !scopes.includes('openid')) {
    draft.report(SCOPES, 'lacks openid, without which the IdP does not say who has logged in; add it');
  }
}

function readKey<T>(draft: Draft, key: string, schema: z.ZodMiniType<T>): T | undefined {
  return read(draft, ['login', key], schema);
}

function checkIssuer(draft: Draft, provider: LoginProvider): void {
  const path = ['login', 'issuer'];
  const issuer = readKey(draft, 'issuer', login.issuer);
  const tenant = checkTenant(draft, provider);
  if (provider === 'google' || provider === 'entra') {
    const known = knownIssuer(provider, tenant);
    if (issuer === undefined || known === undefined || issuer === known) return;
    return draft.report(path, `is ${known} with provider: ${provider}; delete it, or write provider: oidc for another`);
  }
  if (issuer !== undefined) return checkAddress(draft, path, issuer);
  if (draft.isAtFault(path)) return;
  const { example } = PROVIDER_FACTS[provider];
  draft.report(path, `is required with provider: ${provider}; for example "${example}"`);
}

function checkTenant(draft: Draft, provider: LoginProvider): string | undefined {
  const path = ['login', 'tenant'];
  const tenant = readKey(draft, 'tenant', login.tenant);
  if (provider !== 'entra' && tenant !== undefined) draft.report(path, 'is for provider: entra; delete it');
  if (provider === 'entra' && tenant === undefined && !draft.isAtFault(path)) {
    draft.report(path, 'is required with provider: entra; the Entra admin center shows it under Overview');
  }
  return tenant;
}

function checkAddress(draft: Draft, path: Path, issuer: string): void {
  const publicUrl = read(draft, ['obex', 'public_url'], obex.public_url);
  const url = new URL(issuer);
  if (url.pathname.includes('/.well-known/')) {
    return draft.report(path, 'is the address of its metadata; write the `issuer` that stands in them');
  }
  if (publicUrl?.href === url.href) {
    return draft.report(path, 'is obex.public_url: Obex would ask itself who people are; write the issuer of your IdP');
  }
  const allowHttp = readKey(draft, 'dangerously_allow_http', login.dangerously_allow_http);
  if (allowHttp === true || isSecureUrl(url)) return;
  draft.reportRefusal(path, {
    message: 'must begin with https://, for whoever sits on the network could log in as anybody',
    got: { value: issuer },
    cure: 'http is for loopback, or for development with login.dangerously_allow_http: true',
  });
}

/** One way to say who Obex is, so that it is plain which is in force. */
function checkCredentials(draft: Draft): void {
  const secret = ['login', 'client_secret'];
  const key = ['login', 'private_key_file'];
  if (draft.isAtFault(secret) || draft.isAtFault(key)) return;
  const hasSecret = draft.valueAt(secret) !== undefined;
  const hasKey = (readKey(draft, 'private_key_file', login.private_key_file) ?? '') !== '';
  if (hasSecret && hasKey) draft.report(key, 'stands beside login.client_secret; delete one of them');
  if (!hasSecret && !hasKey) {
    draft.report(secret, 'is required, or client_secret_file; or, for private_key_jwt, private_key_file');
  }
}

function checkAllow(draft: Draft): void {
  const path = ['login', 'allow'];
  const open = ['login', 'dangerously_allow_everyone'];
  const lists = ALLOW.map((key) => [...path, key]);
  if ([path, open, ...lists].some((place) => draft.isAtFault(place))) return;
  const namesSomebody = lists.some((list) => !isEmpty(draft.valueAt(list)));
  const everyone = readKey(draft, 'dangerously_allow_everyone', login.dangerously_allow_everyone) === true;
  if (namesSomebody && everyone)
    draft.report(open, 'stands beside login.allow, which would mean nothing; delete one of them');
  if (namesSomebody || everyone) return;
  const cure = `name who may log in (${ALLOW.join(', ')}), or set login.dangerously_allow_everyone: true`;
  draft.report(path, draft.valueAt(path) === undefined ? `is required; ${cure}` : `names nobody; ${cure}`);
}

function isEmpty(list: unknown): boolean {
  return list === undefined || (Array.isArray(list) && list.length === 0);
}

function checkStore(draft: Draft): void {
  const place = ['login', 'store', 'path'];
  const backend = read(draft, ['login', 'store', 'backend'], store.backend);
  const path = read(draft, place, store.path);
  if (backend !== undefined && backend !== 'sqlite' && path !== undefined && path !== '') {
    draft.report(place, `has no effect with login.store.backend: ${backend}; write backend: sqlite, or delete path`);
  }
  if (backend === undefined || backend === 'memory') return;
  if (backend === 'sqlite' && path === '') {
    draft.report(place, 'is required with login.store.backend: sqlite; for example "/var/lib/obex/login.db"');
  }
  const secret = ['obex', 'secret'];
  if (draft.valueAt(secret) !== undefined || draft.isAtFault(secret)) return;
  const reader = backend === 'redis' ? 'by another replica' : 'after a restart';
  const cure = `without it, nothing there could be read ${reader}; for example the output of "openssl rand -base64 32"`;
  draft.report(secret, `is required with login.store.backend: ${backend}: ${cure}`);
}

/** Two clients of one id would have each other's redirect URIs. */
function checkClients(draft: Draft): void {
  const list = ['login', 'clients', 'static'];
  const clients = draft.valueAt(list);
  const ids = Array.isArray(clients) ? clients.map((client: unknown) => isRecord(client) && client['client_id']) : [];
  for (const [index, id] of ids.entries()) {
    const first = ids.indexOf(id);
    if (typeof id !== 'string' || first === index) continue;
    draft.report([...list, index, 'client_id'], `is that of login.clients.static[${first}] too; choose another`);
  }
}

/** What other sections say to clients is said by Obex itself now. */
function checkResource(draft: Draft): void {
  const prefix = ['resource', 'scope_prefix'];
  if ((read(draft, prefix, resource.scope_prefix) ?? '') !== '') {
    const cure = 'with login they ask Obex, and Obex asks the IdP for login.scopes; delete it';
    draft.report(prefix, `is for clients that ask the IdP themselves: ${cure}`);
  }
  const url = ['resource', 'url'];
  const written = read(draft, url, resource.url);
  if (written === undefined || !isLoginPath(new URL(written).pathname)) return;
  draft.report(url, 'lies under /oauth/, where login answers; choose another path');
}
