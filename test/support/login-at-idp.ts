/** What `login` owes to people whatever their IdP is, tried with one that runs: the login, tokens, refreshes, and its end. OpenID Connect Core §3.1, §12. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FollowLogin } from '../../src/demo/browserless-login.ts';
import { BrowserlessLogin } from '../../src/demo/browserless-login.ts';
import { startDemoMcpServer } from '../../src/demo/mcp-server.ts';
import { approveAndLogIn } from './approve-and-log-in.ts';
import { freePort } from './free-port.ts';
import { parseObject } from './json.ts';
import { type ConnectedClient, connectV2 } from './mcp-clients.ts';
import { type ObexProcess, startObexProcess } from './obex-process.ts';

/** An IdP that runs, and knows Obex as a client of its own. */
export interface LoginPlace {
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** What its person does there. */
  readonly logIn: FollowLogin;
  stop(): Promise<void>;
}

export interface LoginCase<Place extends LoginPlace> {
  readonly name: string;
  /** Lines of `login`: whom it lets in, and what this IdP needs beyond. */
  readonly login: string;
  /** X-Obex-User; absent where the IdP makes it up. */
  readonly user?: string;
  /** `redirectUrl`: of Obex. */
  start(redirectUrl: string): Promise<Place>;
  /** Why the IdP refuses to confirm from then on, and how that is brought about; absent where it has no way to refuse. */
  readonly end?: {
    readonly how: string;
    readonly at: (place: Place, logInAgain: () => Promise<unknown>) => Promise<unknown> | void;
  };
  /** It keeps one login of a person with a client, the latest, and all applications come by one client: Obex. */
  readonly onlyLatest?: true;
}

const SCOPE = 'mcp:read';

export function describeLogin<Place extends LoginPlace>(at: LoginCase<Place>): void {
  describe(`login at ${at.name}`, () => {
    const running = new AsyncDisposableStack();
    let place: Place;
    let scene: Scene;

    before(async () => {
      const port = await freePort();
      place = running.adopt(await at.start(`http://localhost:${port}/oauth/callback`), (one) => one.stop());
      const server = running.adopt(await startDemoMcpServer(), (one) => one.stop());
      const config = formatConfig({ port, backend: new URL(server.url).origin, place, login: at.login });
      scene = new Scene(
        running.adopt(await startObexProcess({ config }), (one) => one.stop()),
        place.logIn,
      );
    });

    after(() => running.disposeAsync());

    it('login, headers: from the URL alone, and the MCP server learns who it is', async () => {
      const client = await scene.connect();
      const told = new Map((await client.callTool('whoami', {})).split('\n').map(parseField));
      await client.close();
      assert.equal(told.get('x-obex-issuer'), scene.issuer);
      assert.equal(told.get('x-obex-scopes'), SCOPE);
      assert.equal(told.get('x-obex-client'), client.login.clientInformation()?.client_id);
      if (at.user === undefined) assert.ok(told.get('x-obex-user'));
      else assert.equal(told.get('x-obex-user'), at.user);
    });

    it('refresh: the IdP confirms the person, time and again', async () => {
      const client = await scene.logIn();
      const first = client.login.tokens();
      const second = await scene.refresh(client, first?.refresh_token);
      assert.equal(second.status, 200, JSON.stringify(second.body));
      assert.notEqual(second.body['access_token'], first?.access_token);
      const third = await scene.refresh(client, String(second.body['refresh_token']));
      assert.equal(third.status, 200, JSON.stringify(third.body));
    });

    const { end, onlyLatest = false } = at;
    it('two applications of one person do not end each other', { skip: onlyLatest }, async () => {
      const clients = [await scene.logIn(), await scene.logIn()];
      for (const client of clients) {
        const { status, body } = await scene.refresh(client, client.login.tokens()?.refresh_token);
        assert.equal(status, 200, JSON.stringify(body));
      }
    });

    if (end === undefined) return;
    it(`${end.how}: no more tokens, and the login has ended`, async () => {
      const client = await scene.logIn();
      await end.at(place, () => scene.logIn());
      assert.deepEqual(await scene.refresh(client, client.login.tokens()?.refresh_token), {
        status: 400,
        body: { error: 'invalid_grant', error_description: 'grant request is invalid' },
      });
      assert.equal(await scene.whyEnded(), 'upstream_refused');
    });
  });
}

interface ConfigParts {
  readonly port: number;
  readonly backend: string;
  readonly place: LoginPlace;
  readonly login: string;
}

function formatConfig({ port, backend, place, login }: ConfigParts): string {
  const publicUrl = `http://localhost:${port}`;
  return `obex: { public_url: "${publicUrl}", listen: "127.0.0.1:${port}" }
backend: { url: "${backend}" }
resource: { url: "${publicUrl}/mcp", scopes_supported: ["${SCOPE}"] }
authz: { required_scopes: ["${SCOPE}"] }
login:
  issuer: "${place.issuer}"
  client_id: "${place.client.id}"
  client_secret: "${place.client.secret}"
  clients: { metadata_documents: off }
  ${login}
`;
}

class Scene {
  readonly #obex: ObexProcess;
  readonly #follow: FollowLogin;

  constructor(obex: ObexProcess, atIdp: FollowLogin) {
    this.#obex = obex;
    this.#follow = approveAndLogIn(atIdp);
  }

  get issuer(): string {
    return `http://localhost:${this.#obex.port}`;
  }

  /** An official client, which registers itself; it is connected no more. */
  async logIn(): Promise<ConnectedClient> {
    const client = await this.connect();
    await client.close();
    return client;
  }

  connect(): Promise<ConnectedClient> {
    return connectV2(`${this.issuer}/mcp`, new BrowserlessLogin('a test', this.#follow));
  }

  async refresh({ login }: ConnectedClient, refreshToken = ''): Promise<TokenAnswer> {
    const clientId = login.clientInformation()?.client_id ?? '';
    const response = await fetch(`${this.issuer}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId }),
    });
    return { status: response.status, body: parseObject(await response.text()) };
  }

  /** Of the first login that has ended. */
  async whyEnded(): Promise<unknown> {
    return (await this.#obex.waitForEvent('login_ended'))['reason'];
  }
}

interface TokenAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

function parseField(line: string): [name: string, value: string] {
  const separator = line.indexOf(': ');
  return [line.slice(0, separator), line.slice(separator + 2)];
}
