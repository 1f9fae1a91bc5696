/** Tokens that oidc-provider binds to a certificate, used over the TLS of Obex and through HAProxy as docs/tls.md sets it up. RFC 8705 §3, RFC 9440. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import { type Configuration, Provider } from 'oidc-provider';
import { createCertificate } from '../support/certificate.ts';
import { startChild } from '../support/child.ts';
import {
  type ClientIdentity,
  createIdentity,
  exchangeOnce,
  openAs,
  PROTOCOLS,
  toOptions,
} from '../support/client-certificate.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { readFencedBlocks } from '../support/fenced-blocks.ts';
import { freePort } from '../support/free-port.ts';
import { parseObject } from '../support/json.ts';
import { listenOnLoopback } from '../support/loopback-server.ts';
import { formatRequest, sendOn } from '../support/obex.ts';
import { startObexProcess } from '../support/obex-process.ts';
import { type RememberingBackend, startRememberingBackend } from '../support/remembering-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { issuerKey } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';

const RESOURCE = 'https://tool.example/mcp';
const CLIENT = { id: 'tool', secret: randomUUID() };
const ALICE = createIdentity('alice');
const MALLORY = createIdentity('mallory');

const running = new AsyncDisposableStack();
const ports: Record<'TLS of Obex' | 'HAProxy', number> = { 'TLS of Obex': 0, HAProxy: 0 };
let backend: RememberingBackend;
let issuer = '';

before(async () => {
  requireDebianPackages();
  backend = running.adopt(await startRememberingBackend(), (it) => it.stop());
  issuer = await startIdp();
  const folder = createTempFolder('certificate-bound');
  running.defer(() => folder.remove());
  const { cert, key } = createCertificate('server');
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder.path, name), text);
    return join(folder.path, name);
  };
  const tls = `{ enabled: true, cert_file: "${file('crt', cert)}", key_file: "${file('key', key)}", client_auth: request }`;
  const own = await startObexProcess({ config: configText(`tls: ${tls}`) });
  const behind = await startObexProcess({
    config: configText('trusted_proxies: ["127.0.0.1"], client_cert_header: true'),
  });
  for (const obex of [own, behind]) running.adopt(obex, (it) => it.stop());
  ports['TLS of Obex'] = own.port;
  ports.HAProxy = await freePort();
  const proxy = formatProxy(behind.port)
    .replace('127.0.0.1:9443', `127.0.0.1:${ports.HAProxy}`)
    .replace('certs/server.pem', file('pem', cert + key))
    .replace('any.pem', file('any.pem', cert));
  const haproxy = running.adopt(
    startChild({ command: '/usr/sbin/haproxy', args: ['-f', file('haproxy.cfg', proxy)] }),
    (it) => it.stop().then(() => undefined),
  );
  await until('HAProxy to listen', async () => {
    assert.equal(haproxy.exitStatus(), undefined, haproxy.stderr());
    return openAs(ports.HAProxy, undefined).then(
      (client) => {
        client.destroy();
        return true;
      },
      () => undefined,
    );
  });
});

after(() => running.disposeAsync());

beforeEach(() => backend.forget());

function configText(obex: string): string {
  return `obex: { public_url: "https://tool.example", listen: "127.0.0.1:0", ${obex} }
backend: { url: "http://127.0.0.1:${backend.port}" }
resource: { url: "${RESOURCE}" }
idp: { issuer: "${issuer}" }
`;
}

/** As docs/tls.md has it, in front of an Obex on that port. */
function formatProxy(obexPort: number): string {
  const [frontend, ...others] = readFencedBlocks('docs/tls.md').filter(({ language }) => language === 'haproxy');
  assert.ok(frontend !== undefined && others.length === 0);
  const times = 'timeout connect 5s\n  timeout client 1m\n  timeout server 1m';
  return `defaults\n  mode http\n  ${times}\n${frontend.text}backend obex\n  server obex 127.0.0.1:${obexPort}\n`;
}

/** Resolves to its issuer. It is told of certificates by a proxy in front, whose part the test plays. */
async function startIdp(): Promise<string> {
  const server = createServer();
  const port = await listenOnLoopback(server);
  running.defer(() => server.closeAllConnections());
  running.defer(() => void server.close());
  const url = `http://127.0.0.1:${port}`;
  const jwk = issuerKey('RS256', 'key-1').privateKey.export({ format: 'jwk' });
  const features: Configuration['features'] = {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    mTLS: {
      enabled: true,
      certificateBoundAccessTokens: true,
      getCertificate: (context) => decodeURIComponent(context.get('x-test-certificate')) || undefined,
    },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: 'mcp:read', audience: RESOURCE, accessTokenFormat: 'jwt' }),
    },
  };
  const client = {
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    tls_client_certificate_bound_access_tokens: true,
  };
  const provider = new Provider(url, {
    clients: [client],
    features,
    jwks: { keys: [{ ...jwk, kid: 'key-1', use: 'sig', alg: 'RS256' }] },
    ttl: { ClientCredentials: 300 },
  });
  server.on('request', provider.callback());
  return url;
}

async function fetchToken({ cert }: ClientIdentity): Promise<string> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}`,
      'x-test-certificate': encodeURIComponent(cert),
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'mcp:read', resource: RESOURCE }),
  });
  const { access_token: token } = parseObject(await response.text());
  return typeof token === 'string' ? token : assert.fail('no token');
}

describe('RFC 8705 §3: a token of oidc-provider that is bound to a certificate', () => {
  it('names it as Obex does', async () => {
    assert.deepEqual(decodeJwt(await fetchToken(ALICE))['cnf'], { 'x5t#S256': ALICE.thumbprint });
  });

  for (const way of ['TLS of Obex', 'HAProxy'] as const) {
    for (const protocol of PROTOCOLS) {
      it(`${way}, ${protocol}: is good with it, twice, and with no other, nor with one that the client only names`, async () => {
        const token = await fetchToken(ALICE);
        const authorization = `authorization: Bearer ${token}`;
        const statusOf = async (identity: ClientIdentity | undefined, ...more: readonly string[]): Promise<number> => {
          const client = await openAs(ports[way], identity, protocol);
          const { status } = await sendOn(client, { host: 'tool.example', lines: [authorization, ...more] });
          client.destroy();
          return status;
        };
        const named = `client-cert: ${ALICE.field}`;
        assert.deepEqual(
          [
            await statusOf(ALICE),
            await statusOf(ALICE, named),
            await statusOf(MALLORY),
            await statusOf(MALLORY, named),
            await statusOf(undefined),
            await statusOf(undefined, named),
          ],
          [200, 200, 401, 401, 401, 401],
        );
        assert.deepEqual(
          backend.requests().map((headers) => [headers['x-obex-cert-bound'], headers['client-cert']]),
          [
            ['true', undefined],
            ['true', undefined],
          ],
        );
      });
    }

    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      it(`${way}, ${version}: is good in a resumed session, which has the certificate of the first`, async () => {
        const token = await fetchToken(ALICE);
        const request = formatRequest({
          host: 'tool.example',
          lines: [`Authorization: Bearer ${token}`, 'Connection: close'],
        });
        const only = { minVersion: version, maxVersion: version };
        const { session } = await exchangeOnce(ports[way], { ...toOptions(ALICE), ...only }, request);
        const resumed = await exchangeOnce(ports[way], { ...toOptions(undefined), ...only, session }, request);
        assert.deepEqual([resumed.reused, resumed.answer.slice(9, 12)], [true, '200']);
      });
    }
  }
});
