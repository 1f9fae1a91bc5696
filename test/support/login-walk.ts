/** A login through a running Obex, step by step, at an IdP that a test holds in its hand. RFC 6749 §4.1, RFC 7591. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { CLIENT_ID, CLIENT_SECRET, type StandInIdp } from './stand-in-idp.ts';

export const SECRET = 's'.repeat(40);
const REDIRECT_URI = 'http://127.0.0.1:1/callback';

const Registered = z.object({ client_id: z.string() });
const Tokens = z.object({ access_token: z.string(), refresh_token: z.string() });

export interface LoginConfigParts {
  readonly port: number;
  readonly backend: { readonly port: number };
  readonly idp: StandInIdp;
  /** More lines of `login`. */
  readonly login?: string;
  readonly workers?: number;
  /** Nothing is said of any scope. */
  readonly withoutScopes?: boolean;
}

export function formatLoginConfig(parts: LoginConfigParts): string {
  const { port, backend, idp, login = '', workers = 1, withoutScopes = false } = parts;
  const publicUrl = `http://localhost:${port}`;
  const [supported, required] = withoutScopes
    ? ['', '']
    : [', scopes_supported: ["mcp:read"]', 'authz: { required_scopes: ["mcp:read"] }\n'];
  return `obex: { public_url: "${publicUrl}", listen: "127.0.0.1:${port}", secret: "${SECRET}", workers: ${workers} }
backend: { url: "http://127.0.0.1:${backend.port}" }
resource: { url: "${publicUrl}/mcp"${supported} }
${required}login:
  issuer: "${idp.issuer}"
  client_id: "${CLIENT_ID}"
  client_secret: "${CLIENT_SECRET}"
  allow: { subjects: ["ann"] }
  clients: { metadata_documents: off }
${login}`;
}

/** What an IdP and a client say to each other is plain; the person is not there at all. */
export class LoginWalk {
  readonly #base: string;
  readonly #idp: StandInIdp;
  readonly #cookies = new Map<string, string>();
  #verifier = '';
  #clientId = '';
  #next = new URL('about:blank');
  #page = '';
  /** Of the client, once it has been called. */
  code = '';
  tokens: z.output<typeof Tokens> = { access_token: '', refresh_token: '' };

  /** `base`: where clients reach Obex. */
  constructor(base: string, idp: StandInIdp) {
    this.#base = base;
    this.#idp = idp;
  }

  /** In their order; each can be made again after the one before. */
  readonly steps: Readonly<Record<Step, () => Promise<void>>> = {
    register: () => this.#register(),
    authorize: () => this.#authorize(),
    consent: () => this.#consent(),
    approve: () => this.#approve(),
    callBack: () => this.#callBack(),
    exchange: () => this.#exchange(),
    refresh: () => this.#refresh(),
  };

  /** From `first` on, up to the tokens of a refresh. */
  async go(first: Step = 'register', last: Step = 'exchange'): Promise<void> {
    for (const step of STEPS.slice(STEPS.indexOf(first), STEPS.indexOf(last) + 1)) await this.steps[step]();
  }

  /** Status of a call with the access token. */
  async call(): Promise<number> {
    const headers = { Authorization: `Bearer ${this.tokens.access_token}`, 'Content-Type': 'application/json' };
    const response = await fetch(`${this.#base}/mcp`, { method: 'POST', headers, body: '{}' });
    await response.arrayBuffer();
    return response.status;
  }

  async #register(): Promise<void> {
    const response = await fetch(`${this.#base}/oauth/register`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ redirect_uris: [REDIRECT_URI] }),
    });
    assert.equal(response.status, 201);
    this.#clientId = Registered.parse(await response.json()).client_id;
  }

  async #authorize(): Promise<void> {
    this.#verifier = randomBytes(32).toString('base64url');
    const url = new URL('/oauth/authorize', this.#base);
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.#clientId,
      redirect_uri: REDIRECT_URI,
      resource: `${this.#base}/mcp`,
      state: 'state-of-the-client',
      code_challenge: createHash('sha256').update(this.#verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString();
    this.#next = this.#locationOf(await this.#visit(url));
  }

  async #consent(): Promise<void> {
    const response = await this.#visit(this.#next);
    this.#page = await response.text();
    assert.equal(response.status, 200, this.#page);
  }

  async #approve(): Promise<void> {
    const hidden = [...this.#page.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)];
    const form = new URLSearchParams([
      ...hidden.map(([, name = '', value = '']) => [name, value]),
      ['decision', 'approve'],
    ]);
    this.#next = this.#locationOf(await this.#visit(new URL('/oauth/consent', this.#base), form));
  }

  /** The IdP knows the person already. */
  async #callBack(): Promise<void> {
    this.#idp.nonce = this.#next.searchParams.get('nonce') ?? '';
    const back = new URL(this.#next.searchParams.get('redirect_uri') ?? '');
    const state = this.#next.searchParams.get('state') ?? '';
    back.search = new URLSearchParams({ code: 'code-of-the-idp', state }).toString();
    const at = this.#locationOf(await this.#visit(back));
    assert.deepEqual([at.searchParams.get('state'), at.searchParams.get('iss')], ['state-of-the-client', this.#base]);
    this.code = at.searchParams.get('code') ?? assert.fail(`no code: ${at.search}`);
  }

  async #exchange(): Promise<void> {
    await this.#ask({
      grant_type: 'authorization_code',
      code: this.code,
      redirect_uri: REDIRECT_URI,
      code_verifier: this.#verifier,
      resource: `${this.#base}/mcp`,
    });
  }

  #refresh(): Promise<void> {
    return this.#ask({ grant_type: 'refresh_token', refresh_token: this.tokens.refresh_token });
  }

  async #ask(form: Readonly<Record<string, string>>): Promise<void> {
    const body = new URLSearchParams({ ...form, client_id: this.#clientId });
    const response = await fetch(`${this.#base}/oauth/token`, { method: 'POST', body });
    const answer = await response.text();
    assert.equal(response.status, 200, answer);
    this.tokens = Tokens.parse(JSON.parse(answer));
  }

  async #visit(url: URL, form?: URLSearchParams): Promise<Response> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const post = form && { method: 'POST', body: form };
    const response = await fetch(url, { ...post, headers: { cookie, origin: url.origin }, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      this.#cookies.set(name, value);
    }
    return response;
  }

  #locationOf(response: Response): URL {
    return new URL(response.headers.get('location') ?? assert.fail(`${response.status} without Location`), this.#base);
  }
}

export const STEPS = ['register', 'authorize', 'consent', 'approve', 'callBack', 'exchange', 'refresh'] as const;

export type Step = (typeof STEPS)[number];
