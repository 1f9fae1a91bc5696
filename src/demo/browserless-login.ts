/** An MCP client's login without a browser: follows the redirects and presses the button. RFC 6749 §4.1, RFC 9207. */
import { randomUUID } from 'node:crypto';
import type {
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthDiscoveryState,
  StoredOAuthClientInformation,
  StoredOAuthTokens,
} from '@modelcontextprotocol/client';

/** Never listened on: the walk ends at the redirect to it. */
export const REDIRECT_URL = 'http://127.0.0.1:49152/callback';

const MAX_REDIRECTS = 10;

/** Walks from the authorization endpoint to the redirect URL as a browser would, and returns what the redirect says. */
export type FollowLogin = (authorizationUrl: URL, redirectUrl: string) => Promise<URLSearchParams>;

/** Gives an official client what it needs to log in, by default at the development IdP; holds one client's registration and tokens. */
export class BrowserlessLogin implements OAuthClientProvider {
  readonly redirectUrl = REDIRECT_URL;
  readonly clientMetadata: OAuthClientMetadata;
  /** Where the client was sent to log in: found by its own discovery. */
  authorizationUrl: URL | undefined;
  #callback: URLSearchParams | undefined;
  #client: StoredOAuthClientInformation | undefined;
  #tokens: StoredOAuthTokens | undefined;
  #codeVerifier = '';
  #discovery: OAuthDiscoveryState | undefined;
  readonly #followLogin: FollowLogin;
  readonly #state = randomUUID();

  constructor(clientName: string, follow: FollowLogin = followDevelopmentLogin) {
    this.#followLogin = follow;
    this.clientMetadata = {
      client_name: clientName,
      redirect_uris: [REDIRECT_URL],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  /** What the IdP's redirect brought back, for the transport's `finishAuth`. */
  get callback(): URLSearchParams {
    if (!this.#callback) throw new Error('the client was never sent to log in');
    return this.#callback;
  }

  async redirectToAuthorization(authorizationUrl: URL): Promise<void> {
    this.authorizationUrl = authorizationUrl;
    const callback = await this.#followLogin(authorizationUrl, REDIRECT_URL);
    // RFC 6749 §10.12
    if (callback.get('state') !== this.#state) throw new Error('the IdP came back with another state');
    this.#callback = callback;
  }

  /** Some IdPs refuse requests without one. */
  state(): string {
    return this.#state;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#client = client;
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#tokens = tokens;
  }

  codeVerifier(): string {
    return this.#codeVerifier;
  }

  saveCodeVerifier(codeVerifier: string): void {
    this.#codeVerifier = codeVerifier;
  }

  /** What the client's own discovery found, from the refusal on. */
  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  saveDiscoveryState(discovery: OAuthDiscoveryState): void {
    this.#discovery = discovery;
  }
}

/** The pages have nothing to fill in: their first button goes on. */
async function followDevelopmentLogin(authorizationUrl: URL): Promise<URLSearchParams> {
  const cookies = new Map<string, string>();
  let url = authorizationUrl;
  let form: URLSearchParams | undefined;
  for (let hop = 0; hop < MAX_REDIRECTS; hop += 1) {
    const response = await fetch(url, {
      ...(form && { method: 'POST', body: form }),
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    });
    for (const cookie of response.headers.getSetCookie()) rememberCookie(cookies, cookie);
    const page = await response.text();
    const location = response.headers.get('location');
    form = location === null ? readForm(page) : undefined;
    if (location === null && form === undefined) throw new Error(`the login stopped with ${response.status}: ${page}`);
    url = new URL(location ?? '', url);
    if (url.href.startsWith(REDIRECT_URL)) return url.searchParams;
  }
  throw new Error('the login never came back to the client');
}

function rememberCookie(cookies: Map<string, string>, cookie: string): void {
  const [pair = ''] = cookie.split(';');
  const separator = pair.indexOf('=');
  cookies.set(pair.slice(0, separator), pair.slice(separator + 1));
}

/** What the first button of a page sends; undefined where there is none. The form goes to the page's own path. */
function readForm(page: string): URLSearchParams | undefined {
  if (!page.includes('<button')) return undefined;
  const fields = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  const [, name, value] = /<button[^>]*? name="([^"]*)" value="([^"]*)"/.exec(page) ?? [];
  const form = new URLSearchParams([...fields].map(([, field = '', content = '']) => [field, content]));
  if (name !== undefined) form.set(name, value ?? '');
  return form;
}
