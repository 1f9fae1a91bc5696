/** Obex between an MCP server, with a recording hop before it, and clients that log in at a real identity provider. */
import assert from 'node:assert/strict';
import { BrowserlessLogin, type FollowLogin } from '../../src/demo/browserless-login.ts';
import { startDemoMcpServer } from '../../src/demo/mcp-server.ts';
import { freePort } from '../support/free-port.ts';
import {
  type ConnectClient,
  type ConnectedClient,
  connectV1,
  connectV2,
  connectV2Modern,
} from '../support/mcp-clients.ts';
import { type ObexProcess, startObexProcess } from '../support/obex-process.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { parseRecordedRequest, sendRawRequest } from '../support/raw-request.ts';
import { type RecordingHop, startRecordingHop } from '../support/recording-hop.ts';
import { PUBLIC_CLIENT, type RealIdp } from './real-idp.ts';

export const SCOPE = 'mcp:read';
export const OTHER_SCOPE = 'mcp:other';

/** The official clients; the last is held to 2026-07-28. */
export const CLIENTS: readonly (readonly [name: string, connect: ConnectClient])[] = [
  ['@modelcontextprotocol/sdk 1.x', connectV1],
  ['@modelcontextprotocol/client 2.x', connectV2],
  ['@modelcontextprotocol/client 2.x in the 2026-07-28 era', connectV2Modern],
];

export interface SceneOptions {
  readonly port: number;
  readonly idp: RealIdp;
  /** More lines under `resource:` and `idp:`, and whole sections, of the configuration. */
  readonly resource?: string;
  readonly access?: string;
  readonly sections?: string;
}

/** Whom a token speaks for: the values of X-Obex-User, -Client and -Scopes; a token that names no client makes no field of it. */
export interface Identity {
  readonly user: string;
  readonly client?: string;
  readonly scopes: string;
}

const INITIALIZE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
});

/** A port for Obex, and what the tokens are for that it takes there: the IdP must know before Obex starts. */
export async function reservePlace(): Promise<{ readonly port: number; readonly resource: string }> {
  const port = await freePort();
  return { port, resource: resourceAt(port) };
}

function resourceAt(port: number): string {
  return `http://localhost:${port}/mcp`;
}

export async function startScene(options: SceneOptions): Promise<Scene> {
  await using started = new AsyncDisposableStack();
  const server = started.adopt(await startDemoMcpServer(), (it) => it.stop());
  const hop = started.adopt(await startRecordingHop(Number(new URL(server.url).port)), (it) => it.stop());
  const obex = started.adopt(await startObexProcess({ config: formatConfig(options, hop.port) }), (it) => it.stop());
  return new Scene(options, { hop, obex }, started.move());
}

function formatConfig(
  { port, idp, resource = '', access = '', sections = '' }: SceneOptions,
  backendPort: number,
): string {
  return `obex:
  public_url: "http://localhost:${port}"
  listen: "127.0.0.1:${port}"
backend:
  url: "http://127.0.0.1:${backendPort}"
resource:
  url: "${resourceAt(port)}"
  ${resource}
idp:
  issuer: "${idp.issuer}"
  ${access}
${sections}
`;
}

export class Scene {
  readonly #options: SceneOptions;
  readonly #hop: RecordingHop;
  readonly #obex: ObexProcess;
  readonly #running: AsyncDisposableStack;

  constructor(
    options: SceneOptions,
    { hop, obex }: { readonly hop: RecordingHop; readonly obex: ObexProcess },
    running: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#hop = hop;
    this.#obex = obex;
    this.#running = running;
  }

  get resource(): string {
    return resourceAt(this.#options.port);
  }

  stop(): Promise<void> {
    return this.#running.disposeAsync();
  }

  /** An official client with the public client's id, which somebody has logged in. */
  async logIn(connect: ConnectClient, follow: FollowLogin): Promise<ConnectedClient> {
    const login = new BrowserlessLogin('a test', follow);
    login.saveClientInformation({ client_id: PUBLIC_CLIENT, issuer: this.#options.idp.issuer });
    return connect(this.resource, login);
  }

  /** The MCP server answers, and knows from Obex who asks; it sees neither the token nor anything more of Obex. */
  async assertAccepted(token: string, identity: Identity): Promise<void> {
    const response = await this.#send(token);
    assert.equal(response.status, 200, response.body.toString());
    const [received = '', ...more] = this.#hop.received();
    assert.deepEqual(more, []);
    const { fieldLines } = parseRecordedRequest(received);
    const ours = fieldLines.filter((line) => /^(x-obex-|authorization|dpop)/i.test(line)).map(parseField);
    assert.deepEqual(Object.fromEntries(ours), {
      ...this.#identityFields(identity),
      'x-obex-request-id': response.values('x-obex-request-id').join(),
    });
  }

  /** The same for what the demo's tool `whoami` says. */
  async assertKnownAs(client: ConnectedClient, identity: Identity): Promise<void> {
    const fields = Object.fromEntries((await client.callTool('whoami', {})).split('\n').map(parseField));
    const { 'x-obex-request-id': requestId, ...rest } = fields;
    assert.ok(requestId);
    assert.deepEqual(rest, this.#identityFields(identity));
  }

  /** 401 `unauthorized` or 403 `forbidden` with that reason, and the MCP server has seen nothing. */
  async assertRefused(token: string, status: 401 | 403, reason: string): Promise<void> {
    const response = await this.#send(token);
    assert.deepEqual(
      { status: response.status, body: JSON.parse(response.body.toString()) },
      { status, body: { error: status === 401 ? 'unauthorized' : 'forbidden', reason } },
    );
    assert.deepEqual(this.#hop.received(), []);
    assert.ok(!this.#obex.output().includes(token));
  }

  #send(token: string): Promise<RawResponse> {
    this.#hop.clear();
    return sendRawRequest({
      port: this.#options.port,
      method: 'POST',
      target: '/mcp',
      headers: {
        Authorization: `Bearer ${token}`,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: INITIALIZE,
    });
  }

  #identityFields({ user, client, scopes }: Identity): Readonly<Record<string, string>> {
    return {
      'x-obex-issuer': this.#options.idp.issuer,
      'x-obex-user': user,
      ...(client !== undefined && { 'x-obex-client': client }),
      'x-obex-scopes': scopes,
    };
  }
}

function parseField(line: string): [name: string, value: string] {
  const separator = line.indexOf(':');
  return [line.slice(0, separator).toLowerCase(), line.slice(separator + 1).trim()];
}
