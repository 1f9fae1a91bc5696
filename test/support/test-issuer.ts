/** An issuer on a real socket: discovery, a JWK Set that can rotate and fail in every way, tokens of every algorithm. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import { CompactSign } from 'jose';
import { closeServer } from '../../src/demo/loopback.ts';
import type { FakeClock } from './fake-clock.ts';
import { listenOnLoopback } from './loopback-server.ts';
import { type Cleanup, RESOURCE } from './obex.ts';

export type TestAlgorithm =
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'Ed25519'
  | 'EdDSA';
export const TEST_ALGORITHMS: readonly TestAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'Ed25519',
  'EdDSA',
];

export interface IssuerKey {
  readonly kid: string;
  readonly alg: TestAlgorithm;
  readonly privateKey: KeyObject;
  /** As published, with `kid`, `alg` and `use`. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

const CURVES: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' };

const made = new Map<string, KeyObject>();

/** The private key of that name; the same in the whole test file, because RSA keys take their time. */
function privateKey(alg: TestAlgorithm, name: string): KeyObject {
  const kind = alg.startsWith('RS') || alg.startsWith('PS') ? 'rsa' : alg;
  const id = `${kind} ${name}`;
  const key = made.get(id) ?? generatePrivateKey(alg);
  made.set(id, key);
  return key;
}

function generatePrivateKey(alg: TestAlgorithm): KeyObject {
  const namedCurve = CURVES[alg];
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve }).privateKey;
  if (alg.startsWith('Ed')) return generateKeyPairSync('ed25519').privateKey;
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** A signing key. Equal `name`: the same key; `kid` is the name unless given. */
export function issuerKey(alg: TestAlgorithm, name: string, kid = name): IssuerKey {
  const key = privateKey(alg, name);
  const jwk = { ...createPublicKey(key).export({ format: 'jwk' }), kid, alg, use: 'sig' };
  return { kid, alg, privateKey: key, jwk };
}

/** How the JWK Set endpoint behaves. `hanging` answers when it is told to `release`. */
export type JwksState = 'up' | 'hanging' | 'failing' | 'oversized' | 'redirecting' | 'not json' | 'broken off';

export interface TokenOptions {
  readonly key?: IssuerKey;
  /** Added to the claims; undefined removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Added to the header; undefined removes a member. */
  readonly header?: Readonly<Record<string, unknown>>;
}

export class TestIssuer {
  port = 0;
  state: JwksState = 'up';
  /** The documents served under other paths; undefined members are 404. */
  readonly documents: Record<string, unknown> = {};
  /** What stands in the set. */
  published: readonly unknown[];
  readonly key: IssuerKey;
  /** Every token issued so far, for assertions on where they must not be. */
  readonly issued: string[] = [];
  readonly #fetched: string[] = [];
  readonly #held: ServerResponse[] = [];
  readonly #clock: FakeClock;
  readonly #server = createServer((request, response) => {
    const path = request.url ?? '';
    this.#fetched.push(path);
    if (path === '/jwks') this.#answerJwks(response);
    else answerJson(response, this.documents[path]);
  });

  constructor(clock: FakeClock, key: IssuerKey) {
    this.#clock = clock;
    this.key = key;
    this.published = [key.jwk];
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get jwksUri(): string {
    return `${this.url}/jwks`;
  }

  /** Requests for a path so far. */
  fetches(path = '/jwks'): number {
    return this.#fetched.filter((fetched) => fetched === path).length;
  }

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server, this.port);
  }

  /** Down: connections are refused until `start`. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    await closeServer(this.#server);
  }

  /** Up again; whoever hangs is answered. */
  release(): void {
    this.state = 'up';
    for (const response of this.#held.splice(0)) this.#answerJwks(response);
  }

  publish(...keys: readonly IssuerKey[]): void {
    this.published = keys.map(({ jwk }) => jwk);
  }

  /** A token for alice at the resource with scope mcp:read, good for five minutes from now. */
  async token({ key = this.key, claims = {}, header = {} }: TokenOptions = {}): Promise<string> {
    const now = this.#clock.nowSeconds;
    const all = {
      iss: this.url,
      aud: RESOURCE,
      sub: 'alice',
      client_id: 'client-1',
      scope: 'mcp:read',
      iat: now,
      exp: now + 300,
    };
    const protectedHeader = { alg: key.alg, kid: key.kid, typ: 'at+jwt', ...header };
    const token = await new CompactSign(Buffer.from(JSON.stringify({ ...all, ...claims })))
      .setProtectedHeader(JSON.parse(JSON.stringify(protectedHeader)))
      .sign(key.privateKey);
    this.issued.push(token);
    return token;
  }

  #answerJwks(response: ServerResponse): void {
    const set = JSON.stringify({ keys: this.published });
    switch (this.state) {
      case 'up':
        return answerJson(response, { keys: this.published });
      case 'hanging':
        return void this.#held.push(response);
      case 'failing':
        return void response.writeHead(500).end();
      case 'oversized':
        return void response.writeHead(200).end(set + ' '.repeat(2 * 1024 * 1024));
      case 'redirecting':
        return void response.writeHead(302, { Location: `${this.url}/elsewhere` }).end();
      case 'not json':
        return void response.writeHead(200).end('<html>');
      case 'broken off':
        response.writeHead(200, { 'Content-Length': set.length });
        response.write(set.slice(0, 10), () => response.destroy());
    }
  }
}

function answerJson(response: ServerResponse, document: unknown): void {
  if (document === undefined) response.writeHead(404).end();
  else response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(document));
}

/** Listens on a free loopback port until the test is over. `clock` is the one that Obex is given. */
export async function startTestIssuer(
  cleanup: Cleanup,
  clock: FakeClock,
  key = issuerKey('RS256', 'key-1'),
): Promise<TestIssuer> {
  const issuer = new TestIssuer(clock, key);
  await issuer.start();
  cleanup.after(() => issuer.stop());
  return issuer;
}
