/** Opaque tokens of a real IdP, oidc-provider, end to end: cached, revoked, bound to a key. RFC 7662, RFC 7009, RFC 9449 §6.2. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it } from 'node:test';
import { formatBasic } from '../../src/demo/identity-provider.ts';
import { createMemoryAdapter } from '../../src/demo/memory-adapter.ts';
import { hashAccessToken } from '../../src/oauth/dpop-proof.ts';
import { createProver, type Prover } from '../support/dpop.ts';
import { parseObject } from '../support/json.ts';
import { listenOnLoopback } from '../support/loopback-server.ts';
import { bodyOf, type Cleanup, formatConfig, RESOURCE } from '../support/obex.ts';
import { startObexProcess } from '../support/obex-process.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { sendRawRequest } from '../support/raw-request.ts';
import { startRecordingBackend } from '../support/recording-backend.ts';
import { until } from '../support/until.ts';

const CLIENT = { id: 'agent', secret: 'agent-secret' };
const RESOURCE_SERVER = { id: 'obex', secret: 'obex-secret' };
const INTROSPECTION = '/token/introspection';

interface OpaqueProvider {
  readonly issuer: string;
  introspections(): number;
  token(prover?: Prover): Promise<string>;
  revoke(token: string): Promise<void>;
}

async function startProvider(cleanup: Cleanup): Promise<OpaqueProvider> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  const issuer = `http://127.0.0.1:${port}`;
  const { default: Provider } = await import('oidc-provider');
  const machine = { grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
  const provider = new Provider(issuer, {
    adapter: createMemoryAdapter(),
    clients: [CLIENT, RESOURCE_SERVER].map(({ id, secret }) => ({ ...machine, client_id: id, client_secret: secret })),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        getResourceServerInfo: () => ({ scope: 'mcp:read', accessTokenFormat: 'opaque' }),
      },
    },
    scopes: ['mcp:read'],
  });
  let introspections = 0;
  const callback = provider.callback();
  server.on('request', (request, response) => {
    if (request.url === INTROSPECTION) introspections += 1;
    void callback(request, response);
  });
  cleanup.after(() => {
    server.close().closeAllConnections();
  });
  const post = async (path: string, form: Readonly<Record<string, string>>, fields = {}): Promise<string> => {
    const headers = { Authorization: formatBasic(CLIENT), ...fields };
    const response = await fetch(issuer + path, { method: 'POST', headers, body: new URLSearchParams(form) });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  };
  return {
    issuer,
    introspections: () => introspections,
    token: async (prover) => {
      const claims = { htm: 'POST', htu: `${issuer}/token`, iat: Math.floor(Date.now() / 1000) };
      const fields = prover === undefined ? {} : { DPoP: prover.prove({ claims }) };
      const text = await post('/token', { grant_type: 'client_credentials', scope: 'mcp:read' }, fields);
      return String(parseObject(text)['access_token']);
    },
    revoke: async (token) => void (await post('/token/revocation', { token })),
  };
}

async function startStack(context: Cleanup, cacheTtl: string) {
  const provider = await startProvider(context);
  const backend = await startRecordingBackend(context);
  const { id, secret } = RESOURCE_SERVER;
  const config = formatConfig({
    backend,
    issuer: { url: provider.issuer, jwksUri: undefined },
    sections: {
      idp: `introspection: { client_id: ${id}, client_secret: ${secret}, cache_ttl: ${cacheTtl} }`,
      authz: 'required_scopes: ["mcp:read"]',
      dpop: 'enabled: true',
    },
  });
  const obex = await startObexProcess({ config });
  context.after(() => obex.stop());
  const send = (headers: Readonly<Record<string, string>>): Promise<RawResponse> =>
    sendRawRequest({ port: obex.port, target: '/mcp', headers });
  return { provider, backend, send };
}

function asBearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` };
}

describe('opaque tokens of oidc-provider', () => {
  it('are let in after one question, which tells who it is', async (context) => {
    const { provider, backend, send } = await startStack(context, '10m');
    const token = await provider.token();
    assert.doesNotMatch(token, /\./);
    assert.equal((await send(asBearer(token))).status, 200);
    const asked = provider.introspections();
    for (let time = 0; time < 5; time += 1) assert.equal((await send(asBearer(token))).status, 200);
    assert.equal(provider.introspections(), asked, 'cached');
    const values = ['x-obex-client', 'x-obex-issuer', 'x-obex-scopes'].map((name) => backend.requests[0]?.values(name));
    assert.deepEqual(values, [[CLIENT.id], [provider.issuer], ['mcp:read']]);
    const made = await send(asBearer('A'.repeat(43)));
    assert.deepEqual([made.status, bodyOf(made)['reason']], [401, 'token_inactive']);
    assert.equal(backend.requests.length, 6);
  });

  it('are refused within cache_ttl after they were revoked (RFC 7009)', async (context) => {
    const { provider, send } = await startStack(context, '1s');
    const token = await provider.token();
    assert.equal((await send(asBearer(token))).status, 200);
    await provider.revoke(token);
    const refused = await until('a refusal', async () => {
      const response = await send(asBearer(token));
      return response.status === 200 ? undefined : response;
    });
    assert.deepEqual([refused.status, bodyOf(refused)['reason']], [401, 'token_inactive']);
  });

  it('are worth nothing without the key that they are bound to', async (context) => {
    const { provider, backend, send } = await startStack(context, '10m');
    const [owner, thief] = [createProver(), createProver()];
    const token = await provider.token(owner);
    const present = (prover: Prover): Promise<RawResponse> => {
      const claims = { htm: 'GET', htu: RESOURCE, iat: Math.floor(Date.now() / 1000), ath: hashAccessToken(token) };
      return send({ Authorization: `DPoP ${token}`, DPoP: prover.prove({ claims }) });
    };
    assert.equal((await present(owner)).status, 200);
    assert.equal(bodyOf(await present(thief))['reason'], 'invalid_dpop');
    assert.equal(bodyOf(await send(asBearer(token)))['reason'], 'missing_dpop');
    assert.equal(backend.requests.length, 1);
  });
});
