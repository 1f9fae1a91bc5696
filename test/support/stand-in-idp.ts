/** An IdP of a few lines, whose every answer a test can replace; it keeps no login page. OpenID Connect Core §3.1.3, §5.3. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { CompactSign } from 'jose';
import { closeServer } from '../../src/demo/loopback.ts';
import { listenOnLoopback } from './loopback-server.ts';
import type { Cleanup } from './obex.ts';
import { type IssuerKey, issuerKey } from './test-issuer.ts';

export const CLIENT_ID = 'client-1';
export const CLIENT_SECRET = 'a-secret_of.the~client';

type Claims = Readonly<Record<string, unknown>>;

/** Sent as it is; `body` as JSON, or as a page when it is text. */
export interface StandInAnswer {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface AskedOf {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
}

export class StandInIdp {
  port = 0;
  /** Added to the metadata; undefined removes a member. */
  metadata: Claims = {};
  /** Added to the claims of ID tokens; undefined removes one. */
  claims: Claims = {};
  /** Of ID tokens. */
  header: Claims = {};
  key: IssuerKey = issuerKey('RS256', 'key-1');
  /** What answers instead of tokens. 'hanging' never does. */
  token: StandInAnswer | 'hanging' | undefined = undefined;
  /** Added to the answer of the token endpoint; undefined removes a member. */
  tokens: Claims = { refresh_token: 'refresh-token-1-of-the-stand-in' };
  userinfo: StandInAnswer = { status: 404, body: {} };
  discovery: StandInAnswer | undefined = undefined;
  /** As `begin` sent it. */
  nonce = '';
  readonly asked: AskedOf[] = [];
  readonly #published = issuerKey('RS256', 'key-1').jwk;
  readonly #server = createServer((request, response) => {
    void this.#respond(request, response);
  });

  get issuer(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server);
  }

  stop(): Promise<void> {
    return closeServer(this.#server);
  }

  /** Requests for a path so far. */
  requests(path: string): readonly AskedOf[] {
    return this.asked.filter((request) => request.path === path);
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.asked.push({
      path,
      authorization: request.headers.authorization,
      form: new URLSearchParams(await text(request)),
    });
    if (path === '/.well-known/openid-configuration')
      return send(response, this.discovery ?? { body: this.#metadata() });
    if (path === '/jwks') return send(response, { body: { keys: [this.#published] } });
    if (path === '/userinfo') return send(response, this.userinfo);
    if (this.token === 'hanging') return;
    send(response, this.token ?? { body: await this.#tokens() });
  }

  #metadata(): Claims {
    return {
      issuer: this.issuer,
      authorization_endpoint: `${this.issuer}/authorize`,
      token_endpoint: `${this.issuer}/token`,
      jwks_uri: `${this.issuer}/jwks`,
      userinfo_endpoint: `${this.issuer}/userinfo`,
      id_token_signing_alg_values_supported: ['RS256'],
      ...this.metadata,
    };
  }

  async #tokens(): Promise<Claims> {
    const idToken = await this.#idToken();
    return {
      access_token: 'access-token-of-the-stand-in',
      token_type: 'Bearer',
      expires_in: 300,
      id_token: idToken,
      ...this.tokens,
    };
  }

  async #idToken(): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const all = {
      iss: this.issuer,
      aud: CLIENT_ID,
      sub: 'ann',
      // Of Entra; others have no such claim, and nobody else reads it.
      oid: 'ann',
      iat: now,
      exp: now + 300,
      nonce: this.nonce,
      ...this.claims,
    };
    const payload = Buffer.from(JSON.stringify(all));
    const header = { alg: this.key.alg, kid: this.key.kid, ...this.header };
    if (this.header['alg'] === 'none')
      return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload.toString('base64url')}.`;
    return new CompactSign(payload).setProtectedHeader(header).sign(this.key.privateKey);
  }
}

function send(response: ServerResponse, { status = 200, body, headers }: StandInAnswer): void {
  const isPage = typeof body === 'string';
  const type = isPage ? 'text/html' : 'application/json';
  response.writeHead(status, { 'Content-Type': type, ...headers }).end(isPage ? body : JSON.stringify(body ?? {}));
}

/** Listens on a free loopback port until the test is over. */
export async function startStandInIdp(cleanup: Cleanup): Promise<StandInIdp> {
  const idp = new StandInIdp();
  await idp.start();
  cleanup.after(() => idp.stop());
  return idp;
}
