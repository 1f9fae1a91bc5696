/** An MCP client at the login under attack: registers, asks for authorization, redeems, refreshes, revokes. RFC 6749, RFC 7636. */
import { createHash, randomBytes } from 'node:crypto';
import type { FieldLines } from '../../src/wire/exchange.ts';
import { parseObject } from './json.ts';
import { Browser } from './login-browser.ts';
import { type Answer, type Login, RESOURCE } from './login-server.ts';

export const REDIRECT_URI = 'http://127.0.0.1:4444/cb';

/** Parameters to change: undefined takes one out, a list makes it stand several times. */
export type Change = Readonly<Record<string, string | readonly string[] | undefined>>;

export class Client {
  readonly id: string;
  readonly redirectUri: string;
  readonly verifier = randomBytes(32).toString('base64url');
  readonly state = randomBytes(16).toString('base64url');
  readonly #login: Login;

  constructor(login: Login, id: string, redirectUri = REDIRECT_URI) {
    this.#login = login;
    this.id = id;
    this.redirectUri = redirectUri;
  }

  static async register(login: Login, redirectUri = REDIRECT_URI): Promise<Client> {
    const answer = await register(login, { client_name: 'A client', redirect_uris: [redirectUri] });
    return new Client(login, textIn(answer, 'client_id'), redirectUri);
  }

  get challenge(): string {
    return createHash('sha256').update(this.verifier).digest('base64url');
  }

  authorizeUrl(change: Change = {}): string {
    const parameters = {
      client_id: this.id,
      redirect_uri: this.redirectUri,
      response_type: 'code',
      state: this.state,
      code_challenge: this.challenge,
      code_challenge_method: 'S256',
      resource: RESOURCE,
      ...change,
    };
    return `/oauth/authorize?${encode(parameters)}`;
  }

  redeem(code: string, change: Change = {}, fields: FieldLines = []): Promise<Answer> {
    return this.ask('token', this.redemption(code, change), fields);
  }

  redemption(code: string, change: Change = {}): Change {
    return {
      grant_type: 'authorization_code',
      code,
      redirect_uri: this.redirectUri,
      client_id: this.id,
      code_verifier: this.verifier,
      resource: RESOURCE,
      ...change,
    };
  }

  refresh(token: string, change: Change = {}, fields: FieldLines = []): Promise<Answer> {
    const form = { grant_type: 'refresh_token', refresh_token: token, client_id: this.id, ...change };
    return this.ask('token', form, fields);
  }

  revoke(token: string, change: Change = {}): Promise<Answer> {
    return this.ask('revoke', { token, client_id: this.id, ...change });
  }

  ask(endpoint: 'token' | 'revoke', form: Change, fields: FieldLines = []): Promise<Answer> {
    return this.#login.ask({
      method: 'POST',
      target: `/oauth/${endpoint}`,
      fields: [...fields, 'content-type', 'application/x-www-form-urlencoded'],
      body: encode(form),
    });
  }
}

export function register(login: Login, metadata: unknown): Promise<Answer> {
  const body = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
  return login.ask({ method: 'POST', target: '/oauth/register', fields: ['content-type', 'application/json'], body });
}

export function encode(parameters: Change): string {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return typeof value === 'string' ? [[name, value]] : value.map((each) => [name, each]);
  });
  return new URLSearchParams(pairs).toString();
}

export function textIn({ status, text }: Answer, member: string): string {
  const value = parseObject(text)[member];
  if (typeof value !== 'string') throw new TypeError(`no ${member} in the answer: ${status} ${text}`);
  return value;
}

/** A flow that stands at the consent page. */
export interface Shown {
  readonly browser: Browser;
  readonly consent: Answer;
  readonly flow: string;
}

export async function showConsent(client: Client, browser: Browser, change: Change = {}): Promise<Shown> {
  const begun = await browser.get(client.authorizeUrl(change));
  const url = begun.location ?? `no consent: ${begun.status} ${begun.text}`;
  return { browser, consent: await browser.get(url), flow: url.slice(url.indexOf('=') + 1) };
}

/** Up to the URL at which the IdP calls back, which is not yet visited. */
export async function reachCallback(client: Client, browser: Browser, change: Change = {}): Promise<string> {
  const { consent } = await showConsent(client, browser, change);
  return browser.passIdp(await browser.decide(consent, 'approve'));
}

/** The whole way to the code. */
export async function obtainCode(client: Client, browser: Browser, change: Change = {}): Promise<string> {
  const answer = await browser.get(await reachCallback(client, browser, change));
  const code = new URL(answer.location ?? 'about:blank').searchParams.get('code');
  if (code === null) throw new Error(`no code: ${answer.status} ${answer.location} ${answer.text}`);
  return code;
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

export function tokensIn(answer: Answer): Tokens {
  return { access: textIn(answer, 'access_token'), refresh: textIn(answer, 'refresh_token') };
}

/** A registered client whose person has logged in. */
export async function logIn(
  login: Login,
  { account = 'alice', change = {} }: { readonly account?: string; readonly change?: Change } = {},
): Promise<{ client: Client; browser: Browser; code: string; tokens: Tokens }> {
  const client = await Client.register(login);
  const browser = new Browser(login, account);
  const code = await obtainCode(client, browser, change);
  return { client, browser, code, tokens: tokensIn(await client.redeem(code)) };
}

/** Claims of an access token, whose signature others check. */
export function claimsIn(token: string): Readonly<Record<string, unknown>> {
  return parseObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}
