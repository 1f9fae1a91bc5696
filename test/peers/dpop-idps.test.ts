/** Bound tokens of two IdPs that demand a nonce, used by two DPoP clients, all of other people, through Obex with a nonce of its own. RFC 9449 §5–§9. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { generateKeyPair, generateProof } from 'dpop';
import { decodeJwt } from 'jose';
import * as oauth from 'oauth4webapi';
import { BoundClient } from '../../src/demo/bound-client.ts';
import { startDevelopmentIdentityProvider } from '../../src/demo/identity-provider.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { generateSigningKey, startGlewlwyd } from '../support/glewlwyd.ts';
import { parseObject } from '../support/json.ts';
import { type ObexProcess, startObexProcess } from '../support/obex-process.ts';
import { sendRawRequest } from '../support/raw-request.ts';
import { type RememberingBackend, startRememberingBackend } from '../support/remembering-backend.ts';

const RESOURCE = 'https://tool.example/mcp';
const SCOPE = 'mcp:tools';

interface Idp {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly client: { readonly id: string; readonly secret: string };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One client with one key. Each of the two ways shows whether a nonce was demanded. */
interface DpopClient {
  fetchToken(idp: Idp): Promise<string>;
  /** `GET RESOURCE` through Obex. */
  call(accessToken: string): Promise<Answer>;
  /** Who has demanded a nonce so far: the issuer, or Obex. */
  readonly demands: readonly string[];
}

const running = new AsyncDisposableStack();
const idps = new Map<string, Idp>();
let backend: RememberingBackend;
let obex: ObexProcess;

before(async () => {
  requireDebianPackages();
  backend = running.adopt(await startRememberingBackend(), (it) => it.stop());
  const scopes = [SCOPE];
  const oidcProvider = await startDevelopmentIdentityProvider({ resource: RESOURCE, scopes });
  idps.set(
    'oidc-provider',
    running.adopt(oidcProvider, (it) => it.stop()),
  );
  const glewlwyd = await startGlewlwyd({ resources: [RESOURCE], scopes, key: generateSigningKey('ES256') });
  idps.set(
    'glewlwyd',
    running.adopt(glewlwyd, (it) => it.stop()),
  );
  const config = `obex: { public_url: "https://tool.example", listen: "127.0.0.1:0" }
backend: { url: "http://127.0.0.1:${backend.port}" }
resource: { url: "${RESOURCE}" }
idp:
  issuer: "${oidcProvider.issuer}"
  additional_issuers: [{ issuer: "${glewlwyd.issuer}", jwks_uri: "${glewlwyd.jwksUri}" }]
authz: { required_scopes: ["${SCOPE}"] }
dpop: { enabled: true, required: true, nonce: required }
`;
  obex = running.adopt(await startObexProcess({ config }), (it) => it.stop());
});

after(() => running.disposeAsync());

beforeEach(() => backend.forget());

/** npm dpop, with as few lines around it as a client can have. */
async function createPlainClient(): Promise<DpopClient> {
  const keys = await generateKeyPair('ES256');
  const demands: string[] = [];
  const tokens = new BoundClient({ keys, onNonceDemand: (origin) => demands.push(origin) });
  let nonce: string | undefined;
  const call = async (accessToken: string): Promise<Answer> => {
    const DPoP = await generateProof(keys, RESOURCE, 'GET', nonce, accessToken);
    const headers = { Authorization: `DPoP ${accessToken}`, DPoP };
    const response = await sendRawRequest({ port: obex.port, target: '/mcp', headers });
    const body = response.body.toString();
    nonce = response.values('dpop-nonce')[0] ?? nonce;
    if (!body.includes('"use_dpop_nonce"')) return { status: response.status, body };
    demands.push('Obex');
    return call(accessToken);
  };
  return {
    demands,
    call,
    fetchToken: async ({ tokenEndpoint, client }) => {
      const { status, body } = await tokens.post({
        url: tokenEndpoint,
        headers: {
          Authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}`,
          'Content-Type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource: RESOURCE, scope: SCOPE }).toString(),
      });
      assert.equal(status, 200, body);
      return String(parseObject(body)['access_token']);
    },
  };
}

/** oauth4webapi, which reads challenges strictly and tells by itself when a nonce is demanded. */
async function createStrictClient(): Promise<DpopClient> {
  const demands: string[] = [];
  const keys = await oauth.generateKeyPair('ES256');
  const handle = oauth.DPoP({}, keys);
  const again = async <T>(who: string, attempt: () => Promise<T>): Promise<T> => {
    try {
      return await attempt();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      demands.push(who);
      return attempt();
    }
  };
  return {
    demands,
    fetchToken: ({ issuer, tokenEndpoint, client: { id, secret } }) =>
      again(new URL(issuer).origin, async () => {
        const server = { issuer, token_endpoint: tokenEndpoint };
        const client = { client_id: id };
        const parameters = { resource: RESOURCE, scope: SCOPE };
        const options = { DPoP: handle, [oauth.allowInsecureRequests]: true };
        // Its own encodes the hyphens of id and secret too, which glewlwyd does not undo.
        const authentication: oauth.ClientAuth = (_server, _client, _body, headers) =>
          headers.set('Authorization', `Basic ${btoa(`${id}:${secret}`)}`);
        const response = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, options);
        return (await oauth.processClientCredentialsResponse(server, client, response)).access_token;
      }),
    call: (accessToken) =>
      again('Obex', async () => {
        const options = {
          DPoP: handle,
          [oauth.customFetch]: (_url: string, { method, headers }: oauth.CustomFetchOptions<string, unknown>) =>
            fetch(`http://127.0.0.1:${obex.port}/mcp`, { method, headers }),
        };
        const url = new URL(RESOURCE);
        const response = await oauth.protectedResourceRequest(accessToken, 'GET', url, undefined, undefined, options);
        return { status: response.status, body: await response.text() };
      }),
  };
}

const CLIENTS = { 'npm dpop': createPlainClient, oauth4webapi: createStrictClient } as const;

for (const idpName of ['oidc-provider', 'glewlwyd']) {
  const idpOf = (): Idp => idps.get(idpName) ?? assert.fail(idpName);

  for (const [clientName, create] of Object.entries(CLIENTS)) {
    describe(`RFC 9449: a token of ${idpName}, a client made of ${clientName}`, () => {
      let client: DpopClient;
      let token: string;

      before(async () => {
        client = await create();
        token = await client.fetchToken(idpOf());
      });

      it('§8: the IdP demanded a nonce and bound the token to the key', () => {
        assert.deepEqual(client.demands, [new URL(idpOf().issuer).origin]);
        const { cnf } = decodeJwt<{ cnf?: Record<string, string> }>(token);
        assert.match(cnf?.['jkt'] ?? '', /^[\w-]{43}$/);
      });

      it('§7.1, §9: Obex demands a nonce, once, and lets the client in from then on', async () => {
        for (let n = 0; n < 3; n += 1) assert.deepEqual(await client.call(token), { status: 200, body: '{}' });
        assert.deepEqual(client.demands.slice(1), ['Obex']);
        const requests = backend.requests();
        assert.equal(requests.length, 3);
        for (const headers of requests) {
          assert.equal(headers['x-obex-dpop-bound'], 'true');
          assert.equal(headers['x-obex-issuer'], idpOf().issuer);
          assert.equal(headers['x-obex-client'], idpOf().client.id);
          assert.equal(headers['authorization'] ?? headers['dpop'], undefined);
        }
      });

      it('§7.1: another client cannot use the token', async () => {
        const thief = await createPlainClient();
        const { status, body } = await thief.call(token);
        assert.deepEqual(
          { status, body: parseObject(body) },
          {
            status: 401,
            body: { error: 'unauthorized', reason: 'invalid_dpop' },
          },
        );
        assert.deepEqual(backend.requests(), []);
      });

      it('§7.2: nor anybody without a proof', async () => {
        const headers = { Authorization: `Bearer ${token}` };
        const { status, body } = await sendRawRequest({ port: obex.port, target: '/mcp', headers });
        assert.deepEqual([status, parseObject(body.toString())['reason']], [401, 'missing_dpop']);
      });
    });
  }
}

describe('the log of that', () => {
  it('holds neither a token nor a proof', () => {
    // With its dot: three letters alone stand in a thumbprint now and then.
    assert.doesNotMatch(obex.output(), /eyJ[\w-]*\./);
    assert.match(obex.output(), /"reason":"use_dpop_nonce"/);
  });
});
