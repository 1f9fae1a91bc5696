/** What oidc-provider is told of a client, and that it can work with it. RFC 7591 §2, RFC 8252 §7.3, RFC 6749 §2.3.1. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { before, describe, it } from 'node:test';
import inject from 'light-my-request';
import type { AdapterPayload } from 'oidc-provider';
import { createMemoryAdapter } from '../../../../src/demo/memory-adapter.ts';
import { createClientIds } from '../../../../src/login/clients/client-id.ts';
import { createFindClient, type FindClient } from '../../../../src/login/clients/find-client.ts';
import { createRedirectPolicy } from '../../../../src/login/clients/redirect-uris.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { parseObject } from '../../../support/json.ts';

const CURSOR = 'cursor://anysphere.cursor-mcp/oauth/callback';
const CLAUDE = 'https://claude.ai/api/mcp/auth_callback';
const SECRET = 'a+secret/with%41=odd&characters:~';
const ALLOWED = ['loopback', CURSOR, CLAUDE];
const NATIVE = {
  application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
} as const;

const clock = new FakeClock();
const clientIds = createClientIds({ key: Buffer.alloc(32, 1), clock });

const STATIC = [
  { clientId: 'web-app', clientSecret: SECRET, redirectUris: ['https://app.example/cb'], name: 'The App' },
  {
    clientId: 'cli',
    clientSecret: undefined,
    redirectUris: ['http://127.0.0.1/cb', 'app.example:/cb'],
    name: undefined,
  },
  {
    clientId: 'developing',
    clientSecret: SECRET,
    redirectUris: ['https://localhost:5001/cb', 'x:/y'],
    name: undefined,
  },
  {
    clientId: 'wrong',
    clientSecret: SECRET,
    redirectUris: ['javascript:alert(1)', 'http://a.example/'],
    name: undefined,
  },
];

function finder(allowed: readonly string[] = ALLOWED, ids: typeof clientIds | undefined = clientIds): FindClient {
  return createFindClient({ staticClients: STATIC, clientIds: ids, policy: createRedirectPolicy(allowed) });
}

function register(...redirectUris: readonly string[]): string {
  return clientIds.seal({ redirectUris, name: 'Client' })?.clientId ?? '';
}

describe('createFindClient', () => {
  it('describes a configured client with a secret', () => {
    assert.deepEqual(finder()('web-app'), {
      ...NATIVE,
      client_id: 'web-app',
      client_secret: SECRET,
      client_name: 'The App',
      redirect_uris: ['https://app.example/cb'],
      token_endpoint_auth_method: 'client_secret_basic',
    });
  });

  it('gives the grant by assertion to clients that are named and have a secret (draft ID-JAG §8.1)', () => {
    const policy = createRedirectPolicy(ALLOWED);
    const assertionClients = new Set(['web-app', 'developing', 'cli', 'nobody']);
    const find = createFindClient({ staticClients: STATIC, clientIds, policy, assertionClients });
    const grants = (id: string): unknown => find(id)?.grant_types;
    const usual = ['authorization_code', 'refresh_token'];
    const withAssertions = [...usual, 'urn:ietf:params:oauth:grant-type:jwt-bearer'];
    assert.deepEqual(['web-app', 'developing', 'cli', 'nobody', register(CURSOR)].map(grants), [
      withAssertions,
      withAssertions,
      usual,
      undefined,
      usual,
    ]);
    assert.deepEqual(finder()('web-app')?.grant_types, usual);
  });

  it('describes a configured public client', () => {
    assert.deepEqual(finder()('cli'), {
      ...NATIVE,
      client_id: 'cli',
      redirect_uris: ['http://127.0.0.1/cb', 'app.example:/cb'],
      token_endpoint_auth_method: 'none',
    });
  });

  it('describes a configured site on https://localhost as a web client, with what a web client can have', () => {
    const { application_type: type, redirect_uris: uris } = finder()('developing') ?? {};
    assert.deepEqual({ type, uris }, { type: 'web', uris: ['https://localhost:5001/cb'] });
  });

  it('knows no configured client that has nowhere to go', () => {
    assert.equal(finder()('wrong'), undefined);
  });

  it('describes a registered client', () => {
    const clientId = register('http://localhost:3334/cb', CURSOR);
    assert.deepEqual(finder()(clientId), {
      ...NATIVE,
      client_id: clientId,
      client_name: 'Client',
      redirect_uris: ['http://localhost:3334/cb', CURSOR],
      token_endpoint_auth_method: 'none',
    });
  });

  it('holds the redirect URIs of a registered client against the list of today', () => {
    const clientId = register('http://localhost:3334/cb', CURSOR);
    assert.deepEqual(finder(['loopback'])(clientId)?.redirect_uris, ['http://localhost:3334/cb']);
    assert.equal(finder([CLAUDE])(clientId), undefined);
  });

  it('knows nobody else', () => {
    for (const id of ['', 'WEB-APP', '__proto__', 'obex-AAAA', `${register(CURSOR)}A`])
      assert.equal(finder()(id), undefined);
    const closed = createFindClient({ staticClients: [], clientIds: undefined, policy: createRedirectPolicy(ALLOWED) });
    assert.equal(closed(register(CURSOR)), undefined);
  });

  it('gives lists that nobody else holds: oidc-provider adds to them', () => {
    const find = finder();
    find('cli')?.redirect_uris.push('https://evil.example/');
    find('cli')?.grant_types.push('implicit');
    assert.deepEqual(find('cli')?.redirect_uris, ['http://127.0.0.1/cb', 'app.example:/cb']);
    assert.deepEqual(find('cli')?.grant_types, ['authorization_code', 'refresh_token']);
  });
});

/** Typed as what an adapter gives: a member that the library knows otherwise does not compile. */
function payloadOf(client: ReturnType<FindClient>): AdapterPayload | undefined {
  return client && { ...client };
}

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: string;
}

describe('oidc-provider', () => {
  let handle: ReturnType<InstanceType<typeof import('oidc-provider')['default']>['callback']>;

  before(async () => {
    const { default: Provider } = await import('oidc-provider');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const memory = createMemoryAdapter();
    const find = finder();
    const provider = new Provider('http://localhost', {
      adapter: (name) => ({ ...memory(name), ...(name === 'Client' && { find: async (id) => payloadOf(find(id)) }) }),
      clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
      clientDefaults: { id_token_signed_response_alg: 'ES256' },
      cookies: { keys: ['k'] },
      enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
      features: { devInteractions: { enabled: false } },
      interactions: { url: (_context, { uid }) => `/consent?flow=${uid}` },
      jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'k' }] },
      renderError: (context, out) => {
        context.body = JSON.stringify(out);
      },
      responseTypes: ['code'],
    });
    handle = provider.callback();
  });

  async function authorize(clientId: string, redirectUri: string): Promise<Answer> {
    const query = new URLSearchParams({
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    });
    const answer = await inject(handle, {
      method: 'GET',
      url: `/auth?${query.toString()}`,
      headers: { host: 'localhost' },
    });
    return { status: answer.statusCode, location: answer.headers.location, body: answer.payload };
  }

  async function assertAccepted(clientId: string, redirectUri: string): Promise<void> {
    const { status, location, body } = await authorize(clientId, redirectUri);
    assert.equal(status, 303, `${redirectUri}: ${body}`);
    assert.match(location ?? '', /^\/consent\?flow=/, redirectUri);
  }

  async function assertRefused(clientId: string, redirectUri: string): Promise<void> {
    const { status, location, body } = await authorize(clientId, redirectUri);
    assert.deepEqual([status, location], [400, undefined], redirectUri);
    assert.equal(parseObject(body)['error'], 'invalid_redirect_uri', redirectUri);
  }

  for (const [registered, presented] of [
    ['http://localhost:3334/x', 'http://localhost:3334/x'],
    ['http://localhost:3334/x', 'http://localhost:60001/x'],
    ['http://localhost/x', 'http://localhost:60001/x'],
    ['http://127.0.0.1:3334/x', 'http://127.0.0.1:60001/x'],
    ['http://[::1]:3334/x', 'http://[::1]:60001/x'],
    [CLAUDE, CLAUDE],
    [CURSOR, CURSOR],
  ] as const) {
    it(`RFC 8252 §7: takes ${presented} of who registered ${registered}`, () =>
      assertAccepted(register(registered), presented));
  }

  it('takes all of them of one client', async () => {
    const clientId = register('http://localhost:1/x', 'http://127.0.0.1:1/x', 'http://[::1]:1/x', CLAUDE, CURSOR);
    for (const uri of ['http://localhost:2/x', 'http://127.0.0.1:2/x', 'http://[::1]:2/x', CLAUDE, CURSOR]) {
      await assertAccepted(clientId, uri);
    }
  });

  it('RFC 9700 §4.1.3: takes nothing that differs in more than the port', async () => {
    const clientId = register('http://localhost:3334/x', CLAUDE, CURSOR);
    for (const uri of [
      'http://localhost:3334/x/',
      'http://localhost:3334/x?y',
      'http://127.0.0.1:3334/x',
      'http://localhost:3334@evil.example/x',
      'http://localhost:3334\\@evil.example/x',
      'http://LOCALHOST:3334/x',
      `${CLAUDE}/`,
      'https://claude.ai:8443/api/mcp/auth_callback',
      'cursor://evil/oauth/callback',
    ]) {
      await assertRefused(clientId, uri);
    }
  });

  it('takes the redirect URIs of configured clients', async () => {
    await assertAccepted('web-app', 'https://app.example/cb');
    await assertAccepted('cli', 'http://127.0.0.1:60001/cb');
    await assertAccepted('cli', 'app.example:/cb');
    await assertAccepted('developing', 'https://localhost:5001/cb');
    await assertRefused('developing', 'https://localhost:5002/cb');
    await assertRefused('web-app', 'http://localhost:3334/x');
  });

  it('answers for who is no longer known', async () => {
    const { status, body } = await authorize('obex-AAAA', CLAUDE);
    assert.deepEqual([status, parseObject(body)['error']], [400, 'invalid_client']);
  });

  async function redeem(
    headers: Readonly<Record<string, string>>,
    parameters: Readonly<Record<string, string>>,
  ): Promise<unknown> {
    const form = {
      grant_type: 'authorization_code',
      code: 'x',
      redirect_uri: 'https://app.example/cb',
      code_verifier: 'x'.repeat(43),
    };
    const answer = await inject(handle, {
      method: 'POST',
      url: '/token',
      headers: { host: 'localhost', 'content-type': 'application/x-www-form-urlencoded', ...headers },
      payload: new URLSearchParams({ ...form, ...parameters }).toString(),
    });
    return [answer.statusCode, parseObject(answer.payload)['error']];
  }

  function basic(id: string, secret: string): Readonly<Record<string, string>> {
    const pair = `${encodeURIComponent(id)}:${encodeURIComponent(secret)}`;
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  }

  it('RFC 6749 §2.3.1: takes the secret of a configured client in either way', async () => {
    const authenticated = [400, 'invalid_grant'];
    assert.deepEqual(await redeem(basic('web-app', SECRET), {}), authenticated);
    assert.deepEqual(await redeem({}, { client_id: 'web-app', client_secret: SECRET }), authenticated);
  });

  it('refuses a wrong secret and a missing one', async () => {
    const refused = [401, 'invalid_client'];
    assert.deepEqual(await redeem(basic('web-app', 'wrong'), {}), refused);
    assert.deepEqual(await redeem({}, { client_id: 'web-app', client_secret: 'wrong' }), refused);
    assert.deepEqual(await redeem({}, { client_id: 'web-app' }), refused);
    assert.deepEqual(await redeem({}, { client_id: 'web-app', client_secret: '' }), refused);
  });

  it('takes no secret of a public client', async () => {
    const clientId = register(CLAUDE);
    assert.deepEqual(await redeem({}, { client_id: clientId }), [400, 'invalid_grant']);
    assert.deepEqual(await redeem({}, { client_id: clientId, client_secret: 'x' }), [401, 'invalid_client']);
  });
});
