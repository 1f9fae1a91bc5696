/** Independent IdPs in front of one Obex: oidc-provider, glewlwyd (C) and LemonLDAP::NG (Perl), each with its own tokens. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { JWTHeaderParameters } from 'jose';
import { decodeJwt, decodeProtectedHeader, importJWK, SignJWT } from 'jose';
import type { DevelopmentIdentityProvider } from '../../src/demo/identity-provider.ts';
import { startDevelopmentIdentityProvider } from '../../src/demo/identity-provider.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import type { Glewlwyd } from '../support/glewlwyd.ts';
import { generateSigningKey, startGlewlwyd } from '../support/glewlwyd.ts';
import type { LemonLdap } from '../support/lemonldap.ts';
import { startLemonLdap } from '../support/lemonldap.ts';
import type { ObexProcess } from '../support/obex-process.ts';
import { startObexProcess } from '../support/obex-process.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { sendRawRequest } from '../support/raw-request.ts';
import type { RememberingBackend } from '../support/remembering-backend.ts';
import { startRememberingBackend } from '../support/remembering-backend.ts';

const RESOURCE = 'https://tool.example/mcp';
const OTHER_RESOURCE = 'https://other.example/mcp';
const SCOPE = 'mcp:tools';
const OTHER_SCOPE = 'mcp:other';
const SCOPES = [SCOPE, OTHER_SCOPE] as const;
const METADATA_URL = 'https://tool.example/.well-known/oauth-protected-resource/mcp';

const glewlwydKey = generateSigningKey('ES256');
const running = new AsyncDisposableStack();
let backend: RememberingBackend;
let oidcProvider: DevelopmentIdentityProvider;
let glewlwyd: Glewlwyd;
let lemonLdap: LemonLdap;
let obex: ObexProcess;

before(async () => {
  requireDebianPackages();
  backend = running.adopt(await startRememberingBackend(), (it) => it.stop());
  oidcProvider = running.adopt(await startDevelopmentIdentityProvider({ resource: RESOURCE, scopes: SCOPES }), (it) =>
    it.stop(),
  );
  glewlwyd = running.adopt(
    await startGlewlwyd({ resources: [RESOURCE, OTHER_RESOURCE], scopes: SCOPES, key: glewlwydKey }),
    (it) => it.stop(),
  );
  lemonLdap = running.adopt(await startLemonLdap({ resource: RESOURCE, scopes: SCOPES }), (it) => it.stop());
  obex = running.adopt(await startObexProcess({ config: configText() }), (it) => it.stop());
});

after(() => running.disposeAsync());

beforeEach(() => backend.forget());

// The keys of oidc-provider are found by discovery, those of the others are named.
function configText(): string {
  return `obex:
  public_url: "https://tool.example"
  listen: "127.0.0.1:0"
backend:
  url: "http://127.0.0.1:${backend.port}"
resource:
  url: "${RESOURCE}"
idp:
  issuer: "${oidcProvider.issuer}"
  additional_issuers:
    - issuer: "${glewlwyd.issuer}"
      jwks_uri: "${glewlwyd.jwksUri}"
    - issuer: "${lemonLdap.issuer}"
      jwks_uri: "${lemonLdap.jwksUri}"
authz:
  required_scopes: ["${SCOPE}"]
`;
}

function sendWith(token: string): Promise<RawResponse> {
  return sendRawRequest({ port: obex.port, target: '/mcp', headers: { Authorization: `Bearer ${token}` } });
}

async function assertAccepted(token: string, issuer: string): Promise<void> {
  const claims = decodeJwt(token);
  const response = await sendWith(token);

  assert.equal(response.status, 200, response.body.toString());
  const [headers = {}, ...more] = backend.requests();
  assert.deepEqual(more, []);
  assert.deepEqual(Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-obex-'))), {
    'x-obex-issuer': issuer,
    'x-obex-user': claims.sub,
    'x-obex-client': claims['client_id'],
    'x-obex-scopes': `${OTHER_SCOPE} ${SCOPE}`,
    'x-obex-request-id': response.values('x-obex-request-id').join(),
  });
}

interface ExpectedRefusal {
  readonly status: 401 | 403;
  readonly error: string;
  readonly reason: string;
  readonly challengeError: string;
  readonly description: string;
}

async function assertRefused(token: string, expected: ExpectedRefusal): Promise<void> {
  const response = await sendWith(token);

  assert.deepEqual(
    {
      status: response.status,
      challenges: response.values('www-authenticate'),
      cacheControl: response.values('cache-control'),
      body: JSON.parse(response.body.toString()),
    },
    {
      status: expected.status,
      challenges: [
        `Bearer realm="mcp", resource_metadata="${METADATA_URL}", scope="${SCOPE}", ` +
          `error="${expected.challengeError}", error_description="${expected.description}"`,
      ],
      cacheControl: ['no-store'],
      body: { error: expected.error, reason: expected.reason },
    },
  );
  assert.deepEqual(backend.requests(), []);
}

function invalidToken(reason: string, description: string): ExpectedRefusal {
  return { status: 401, error: 'unauthorized', reason, challengeError: 'invalid_token', description };
}

/** A token of oidc-provider as glewlwyd would sign it. */
async function signAsGlewlwyd(genuine: string, keyId: Pick<JWTHeaderParameters, 'kid'>): Promise<string> {
  return new SignJWT(decodeJwt(genuine))
    .setProtectedHeader({ typ: 'at+jwt', alg: glewlwydKey.alg, ...keyId })
    .sign(await importJWK(glewlwydKey));
}

describe('RFC 9068 §4, tokens of three IdPs at one resource', () => {
  const scope = `${SCOPE} ${OTHER_SCOPE}`;

  it('accepts oidc-provider: typ at+jwt, RS256, keys by discovery', async () => {
    const token = await oidcProvider.issueToken({ scope });

    assert.deepEqual(pick(token), { typ: 'at+jwt', alg: 'RS256', aud: RESOURCE });
    await assertAccepted(token, oidcProvider.issuer);
  });

  it('accepts glewlwyd: typ at+jwt, ES256, nbf', async () => {
    const token = await glewlwyd.getToken({ scope });

    assert.deepEqual(pick(token), { typ: 'at+jwt', alg: 'ES256', aud: RESOURCE });
    assert.equal(typeof decodeJwt(token).nbf, 'number');
    await assertAccepted(token, glewlwyd.issuer);
  });

  it('accepts LemonLDAP::NG: typ JWT, aud of client and resource, issuer with a trailing slash', async () => {
    const token = await lemonLdap.getToken({ scope });

    assert.deepEqual(pick(token), { typ: 'JWT', alg: 'RS256', aud: ['obex-test', RESOURCE] });
    assert.ok(lemonLdap.issuer.endsWith('/'));
    await assertAccepted(token, lemonLdap.issuer);
  });

  it('lists the three in the Protected Resource Metadata, the primary one first', async () => {
    const { body } = await sendRawRequest({ port: obex.port, target: '/.well-known/oauth-protected-resource/mcp' });

    assert.deepEqual(JSON.parse(body.toString()).authorization_servers, [
      oidcProvider.issuer,
      glewlwyd.issuer,
      lemonLdap.issuer,
    ]);
  });
});

describe('RFC 9068 §4, keys of one issuer prove nothing about another', () => {
  const unknownKey = invalidToken(
    'unknown_key',
    'The access token is signed with a key that its issuer does not publish',
  );
  const invalidSignature = invalidToken('invalid_signature', 'The signature of the access token does not verify');

  it('refuses a token of oidc-provider that glewlwyd signed, under the key id of glewlwyd', async () => {
    const forged = await signAsGlewlwyd(await oidcProvider.issueToken({ scope: SCOPE }), { kid: glewlwydKey.kid });

    await assertRefused(forged, unknownKey);
  });

  it('refuses it without a key id', async () => {
    const forged = await signAsGlewlwyd(await oidcProvider.issueToken({ scope: SCOPE }), {});

    await assertRefused(forged, unknownKey);
  });

  it('refuses a token with the genuine header of one key and the signature of another', async () => {
    const [genuine, other] = await Promise.all([
      oidcProvider.issueToken({ scope: SCOPE }),
      lemonLdap.getToken({ scope: SCOPE }),
    ]);
    const forged = [...genuine.split('.').slice(0, 2), other.split('.')[2]].join('.');

    await assertRefused(forged, invalidSignature);
  });
});

describe('RFC 9068 §4 and RFC 6750 §3.1, genuine tokens that do not fit', () => {
  it('refuses a token of glewlwyd for another resource', async () => {
    const token = await glewlwyd.getToken({ scope: SCOPE, resource: OTHER_RESOURCE });

    await assertRefused(token, invalidToken('audience_mismatch', 'The access token was not issued for this resource'));
  });

  for (const [name, getToken] of [
    ['glewlwyd', () => glewlwyd.getToken({ scope: OTHER_SCOPE })],
    ['LemonLDAP::NG', () => lemonLdap.getToken({ scope: OTHER_SCOPE })],
  ] as const) {
    it(`refuses a token of ${name} without the scope required`, async () => {
      await assertRefused(await getToken(), {
        status: 403,
        error: 'forbidden',
        reason: 'insufficient_scope',
        challengeError: 'insufficient_scope',
        description: 'The access token lacks a required scope',
      });
    });
  }
});

function pick(token: string): object {
  const { typ, alg } = decodeProtectedHeader(token);
  return { typ, alg, aud: decodeJwt(token).aud };
}
