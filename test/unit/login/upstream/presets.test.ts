/** IdPs in their own words: what each is asked, and what its answers mean. OpenID Connect Core §11. */
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { UpstreamProvider } from '../../../../src/login/options.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { logIn, REDIRECT_URI, setUp } from './set-up.ts';

/** As Google, Entra and Cognito list them. */
const LISTED = ['openid', 'email', 'profile', 'offline_access'];

interface Asked {
  readonly scope: string;
  readonly prompt?: string;
  readonly access_type?: string;
}

describe('the authorization request', () => {
  const asked: Readonly<Record<UpstreamProvider, Asked>> = {
    google: { scope: 'openid email profile', access_type: 'offline', prompt: 'select_account consent' },
    entra: { scope: 'openid email profile offline_access', prompt: 'select_account' },
    okta: { scope: 'openid email profile offline_access' },
    auth0: { scope: 'openid email profile offline_access' },
    cognito: { scope: 'openid email profile' },
    keycloak: { scope: 'openid email profile' },
    oidc: { scope: 'openid email profile offline_access', prompt: 'consent' },
  };
  for (const provider of ['google', 'entra', 'okta', 'auth0', 'cognito', 'keycloak', 'oidc'] as const) {
    it(`is ${provider}'s own`, async (context) => {
      const { idp, upstream } = await setUp(context, { provider, scopes: ['email', 'profile'] });
      idp.metadata = { scopes_supported: LISTED };
      const { searchParams } = (await upstream.begin(REDIRECT_URI)).url;
      const found = ['scope', 'prompt', 'access_type'].flatMap((name) => {
        const value = searchParams.get(name);
        return value === null ? [] : [[name, value.split(' ').toSorted().join(' ')]];
      });
      const expected = Object.entries(asked[provider]).map(([name, value]) => [
        name,
        String(value).split(' ').toSorted().join(' '),
      ]);
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
    });
  }

  it('§11: asks no unknown IdP for offline access that it does not list', async (context) => {
    const { upstream } = await setUp(context);
    const { searchParams } = (await upstream.begin(REDIRECT_URI)).url;
    assert.equal(searchParams.get('scope'), 'openid email profile');
    assert.equal(searchParams.get('prompt'), null);
  });

  it('asks Keycloak for offline access when it is configured', async (context) => {
    const { upstream } = await setUp(context, { provider: 'keycloak', scopes: ['openid', 'offline_access'] });
    assert.equal((await upstream.begin(REDIRECT_URI)).url.searchParams.get('scope'), 'openid offline_access');
  });
});

describe('Google', () => {
  const cases: Readonly<
    Record<string, readonly [claims: Readonly<Record<string, unknown>>, email: string | undefined]>
  > = {
    'of a Workspace': [{ email: 'ann@corp.example', hd: 'corp.example' }, 'ann@corp.example'],
    'at gmail.com': [{ email: 'ann@gmail.com' }, 'ann@gmail.com'],
    'at another host, verified once': [{ email: 'ann@corp.example' }, undefined],
    'that only looks like gmail.com': [{ email: 'ann@notgmail.com' }, undefined],
  };
  for (const [how, [claims, email]] of Object.entries(cases)) {
    it(`vouches for an address ${how}: ${email ?? 'no'}`, async (context) => {
      const scene = await setUp(context, { provider: 'google' });
      scene.idp.claims = { email_verified: true, name: 'Ann', azp: 'client-1', ...claims };
      assert.deepEqual((await logIn(scene)).person, { subject: 'ann', email, name: 'Ann', groups: [] });
      assert.deepEqual(scene.idp.requests('/userinfo'), [], 'it has no groups there either');
    });
  }
});

describe('Microsoft Entra ID', () => {
  it('names people by the Object ID that its portal shows, vouches for no address, and has the secret in the body', async (context) => {
    const scene = await setUp(context, { provider: 'entra' });
    scene.idp.metadata = { token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'] };
    scene.idp.claims = {
      email: 'ann@corp.example',
      email_verified: true,
      xms_edov: true,
      groups: ['id-1'],
      tid: 'tenant',
      oid: 'object-id-of-ann',
    };
    assert.deepEqual((await logIn(scene)).person, {
      subject: 'object-id-of-ann',
      email: undefined,
      name: undefined,
      groups: ['id-1'],
    });
    const [asked] = scene.idp.requests('/token');
    assert.equal(asked?.authorization, undefined);
    assert.equal(asked?.form.get('client_secret'), 'a-secret_of.the~client');
  });

  it('is told the scopes again at a refresh, else it gives no ID token', async (context) => {
    const { idp, upstream } = await setUp(context, { provider: 'entra' });
    await upstream.refresh('refresh-token', { subject: 'ann', email: undefined, name: undefined, groups: [] });
    assert.equal(idp.requests('/token')[0]?.form.get('scope'), 'openid email profile offline_access');
  });

  it('RFC 7515 §4.1.8: finds the key by the certificate beside it', async (context) => {
    const { cert, key } = createCertificate('obex');
    const scene = await setUp(context, { provider: 'entra', clientSecret: undefined, privateKey: `${key}\n${cert}` });
    await logIn(scene);
    const form = scene.idp.requests('/token')[0]?.form;
    const assertion = form?.get('client_assertion') ?? '';
    assert.deepEqual(decodeProtectedHeader(assertion), {
      alg: 'ES256',
      'x5t#S256': createHash('sha256').update(new X509Certificate(cert).raw).digest('base64url'),
    });
    const { aud, iss, sub } = decodeJwt(assertion);
    assert.deepEqual({ aud, iss, sub }, { aud: `${scene.idp.issuer}/token`, iss: 'client-1', sub: 'client-1' });
  });
});

describe('Amazon Cognito', () => {
  it('has groups under a name of its own', async (context) => {
    const scene = await setUp(context, { provider: 'cognito' });
    scene.idp.claims = {
      'cognito:groups': ['staff'],
      token_use: 'id',
      email: 'ann@corp.example',
      email_verified: true,
    };
    const person = { subject: 'ann', email: 'ann@corp.example', name: undefined, groups: ['staff'] };
    assert.deepEqual((await logIn(scene)).person, person);
  });
});
