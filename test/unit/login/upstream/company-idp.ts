/** A company's IdP as Obex finds it: oidc-provider without registration and resource indicators, one client, one person. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { type Configuration, Provider } from 'oidc-provider';
import { closeServer } from '../../../../src/demo/loopback.ts';
import { createMemoryAdapter } from '../../../../src/demo/memory-adapter.ts';
import { listenOnLoopback } from '../../../support/loopback-server.ts';
import type { Cleanup } from '../../../support/obex.ts';
import { issuerKey } from '../../../support/test-issuer.ts';

export interface CompanyIdpOptions {
  readonly redirectUri: string;
  /** More of the client, as RFC 7591 §2 names it. */
  readonly client?: Readonly<Record<string, unknown>>;
  /** More of the provider. */
  readonly configuration?: Configuration;
}

export interface CompanyIdp {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What is said of the person from now on. */
  person: Readonly<Record<string, unknown>>;
  /** Logs in and follows every redirect up to the redirect URI. */
  logIn(url: URL): Promise<URL>;
  /** Ends every grant, as an administrator does who removes somebody. */
  revokeAll(): Promise<void>;
}

export const PERSON = 'person-1';
const LOGIN = '/login/';
const MAX_STEPS = 10;
const DAY = 86_400;

/** Listens on a free loopback port until the test is over. */
export async function startCompanyIdp(cleanup: Cleanup, options: CompanyIdpOptions): Promise<CompanyIdp> {
  const server = createServer();
  const issuer = `http://127.0.0.1:${await listenOnLoopback(server)}`;
  cleanup.after(() => closeServer(server));
  const grants: string[] = [];
  const idp: CompanyIdp = {
    issuer,
    clientId: 'obex',
    clientSecret: randomUUID(),
    person: { email: 'ann@corp.example', email_verified: true, name: 'Ann', groups: ['staff', 'devs'] },
    logIn: (url) => logIn(url, options.redirectUri),
    async revokeAll() {
      for (const id of grants) await (await provider.Grant.find(id))?.destroy();
    },
  };
  const provider = new Provider(issuer, configure(idp, options));
  const callback = provider.callback();
  const approve = approveAll(provider, grants);
  server.on('request', (request, response) => {
    void (request.url?.startsWith(LOGIN) ? approve : callback)(request, response);
  });
  return idp;
}

function configure(idp: CompanyIdp, { redirectUri, client, configuration }: CompanyIdpOptions): Configuration {
  const key = issuerKey('RS256', 'company-idp').privateKey.export({ format: 'jwk' });
  return {
    adapter: createMemoryAdapter(),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    clients: [
      {
        client_id: idp.clientId,
        client_secret: idp.clientSecret,
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        ...client,
      },
    ],
    cookies: { keys: [randomUUID()] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...idp.person }) }),
    interactions: { url: (_context, { uid }) => `${LOGIN}${uid}` },
    jwks: { keys: [{ ...key, kid: 'company-idp', alg: 'RS256', use: 'sig' }] },
    rotateRefreshToken: true,
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'email', 'profile', 'groups'],
    // The library complains of every one that it has to set itself.
    ttl: { AccessToken: DAY, Grant: DAY, IdToken: DAY, Interaction: DAY, RefreshToken: DAY, Session: DAY },
    ...configuration,
  };
}

function approveAll(provider: Provider, grants: string[]) {
  return async (...[request, response]: Parameters<ReturnType<Provider['callback']>>): Promise<void> => {
    const { params } = await provider.interactionDetails(request, response);
    const grant = new provider.Grant({ accountId: PERSON, clientId: String(params['client_id']) });
    grant.addOIDCScope(String(params['scope']));
    const grantId = await grant.save();
    grants.push(grantId);
    await provider.interactionFinished(request, response, { login: { accountId: PERSON }, consent: { grantId } });
  };
}

/** A browser: cookies and redirects. */
async function logIn(from: URL, redirectUri: string): Promise<URL> {
  const cookies = new Map<string, string>();
  let url = from;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { headers: { Cookie: cookie }, redirect: 'manual' });
    const page = await response.text();
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    if (location === null) throw new Error(`the login stopped with ${response.status}: ${page}`);
    url = new URL(location, url);
    if (url.href.startsWith(redirectUri)) return url;
  }
  throw new Error('the login never came back');
}
