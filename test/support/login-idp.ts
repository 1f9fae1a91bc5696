/** The IdP behind the login under attack: no registration, no resource indicators; it remembers all that it was asked. OpenID Connect Core. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import inject from 'light-my-request';
import type { AccountClaims, Configuration } from 'oidc-provider';
import { closeServer } from '../../src/demo/loopback.ts';
import { createMemoryAdapter } from '../../src/demo/memory-adapter.ts';
import { listenOnLoopback } from './loopback-server.ts';

export interface IdpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

/** Answers in the place of the IdP; false: the IdP shall answer. */
export type IdpOutage = (request: IdpRequest, response: ServerResponse) => boolean;

export interface LoginIdp {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Claims by name of account; whoever is not in it has a verified address at example.com. */
  readonly accounts: Map<string, AccountClaims>;
  /** What it was asked, by browsers and by the login. */
  readonly requests: IdpRequest[];
  /** What its token endpoint has answered. */
  readonly issued: string[];
  outage: IdpOutage | undefined;
  /** How often something was asked there. */
  count(path: string): number;
  stop(): Promise<void>;
}

const CLIENT_ID = 'obex';
const CLIENT_SECRET = 'secret-of-obex-at-the-idp';

/** `redirectUri`: of its one client. */
export async function startLoginIdp(redirectUri: string, settings: Configuration = {}): Promise<LoginIdp> {
  const server = createServer();
  const issuer = `http://127.0.0.1:${await listenOnLoopback(server)}`;
  const accounts = new Map<string, AccountClaims>();
  const requests: IdpRequest[] = [];
  const handle = await createHandler(issuer, { redirectUri, accounts, settings });
  const idp: LoginIdp = {
    issuer,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    accounts,
    requests,
    issued: [],
    outage: undefined,
    count: (path) => requests.filter((request) => request.path === path).length,
    stop: () => closeServer(server),
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const { pathname, searchParams } = new URL(request.url ?? '/', issuer);
    const { method = 'GET', headers } = request;
    const { authorization } = headers;
    const form = new URLSearchParams(body.toString());
    const asked: IdpRequest = { method, path: pathname, query: searchParams, form, authorization };
    requests.push(asked);
    if (idp.outage?.(asked, response) === true) return;
    const isPost = method === 'POST';
    const url = request.url ?? '/';
    const inner = { method: isPost ? 'POST' : 'GET', url, headers, ...(isPost && { payload: body }) } as const;
    const { statusCode, headers: fields, rawPayload } = await inject(handle, inner);
    if (pathname === '/token') idp.issued.push(rawPayload.toString());
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) response.setHeader(name, value);
    response.writeHead(statusCode).end(rawPayload);
  };
  server.on('request', (request, response) => void answer(request, response));
  return idp;
}

interface IdpTerms {
  readonly redirectUri: string;
  readonly accounts: ReadonlyMap<string, AccountClaims>;
  readonly settings: Configuration;
}

async function createHandler(issuer: string, { redirectUri, accounts, settings }: IdpTerms) {
  const { default: Provider } = await import('oidc-provider');
  const grants = ['authorization_code', 'refresh_token'];
  const client = {
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    redirect_uris: [redirectUri],
    grant_types: grants,
  };
  const provider = new Provider(issuer, {
    adapter: createMemoryAdapter(),
    clients: [client],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    scopes: ['openid', 'email', 'profile', 'offline_access'],
    findAccount: (_context, accountId) => ({
      accountId,
      claims: () => ({
        sub: accountId,
        email: `${accountId}@example.com`,
        email_verified: true,
        ...accounts.get(accountId),
      }),
    }),
    ...settings,
  });
  return provider.callback();
}
