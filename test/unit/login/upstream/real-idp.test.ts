/** A whole login at an IdP that is not ours, and what becomes of it later. OpenID Connect Core §3.1, §12, RFC 7523 §2.2. */
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { Configuration } from 'oidc-provider';
import type { UpstreamOptions } from '../../../../src/login/options.ts';
import { createUpstream } from '../../../../src/login/upstream/create-upstream.ts';
import { UpstreamRefused } from '../../../../src/login/upstream/upstream.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import type { Cleanup } from '../../../support/obex.ts';
import { type CompanyIdpOptions, PERSON, startCompanyIdp } from './company-idp.ts';

const REDIRECT_URI = 'http://127.0.0.1:49152/oauth/callback';
const SCOPES = ['openid', 'email', 'profile', 'groups'];
const ANN = { subject: PERSON, email: 'ann@corp.example', name: 'Ann', groups: ['staff', 'devs'] };

async function setUp(
  context: Cleanup,
  {
    idp: idpOptions = {},
    upstream = {},
  }: { idp?: Partial<CompanyIdpOptions>; upstream?: Partial<UpstreamOptions> } = {},
) {
  const idp = await startCompanyIdp(context, { redirectUri: REDIRECT_URI, ...idpOptions });
  const options: UpstreamOptions = {
    provider: 'oidc',
    issuer: idp.issuer,
    clientId: idp.clientId,
    clientSecret: idp.clientSecret,
    privateKey: undefined,
    scopes: SCOPES,
    groupsClaim: 'groups',
    ca: undefined,
    allowHttp: false,
    ...upstream,
  };
  return { idp, upstream: createUpstream(options, { clock: new FakeClock() }) };
}

async function logIn({ idp, upstream }: Awaited<ReturnType<typeof setUp>>) {
  const { url, verifier } = await upstream.begin(REDIRECT_URI);
  return upstream.finish(await idp.logIn(url), verifier);
}

describe('OpenID Connect Core §3.1: a login', () => {
  it('asks for a code with state, nonce, PKCE and, §11, with consent for offline access', async (context) => {
    const { idp, upstream } = await setUp(context);
    const { url, verifier } = await upstream.begin(REDIRECT_URI);
    assert.equal(`${url.origin}${url.pathname}`, `${idp.issuer}/auth`);
    const { code_challenge: challenge, ...parameters } = Object.fromEntries(url.searchParams);
    assert.match(challenge ?? '', /^[\w-]{43}$/);
    assert.notEqual(challenge, verifier.codeVerifier);
    assert.deepEqual(parameters, {
      client_id: 'obex',
      response_type: 'code',
      redirect_uri: REDIRECT_URI,
      scope: 'openid email profile groups offline_access',
      state: verifier.state,
      nonce: verifier.nonce,
      code_challenge_method: 'S256',
      prompt: 'consent',
    });
    const other = await upstream.begin(REDIRECT_URI);
    assert.notDeepEqual(other.verifier, verifier);
  });

  it('§5.4: learns from the userinfo endpoint what the ID token lacks, and has a refresh token', async (context) => {
    const login = await logIn(await setUp(context));
    assert.deepEqual(login.person, ANN);
    assert.equal(typeof login.refreshToken, 'string');
  });

  it('OpenID Connect Discovery §3: sends the secret in the body where the IdP wants it there', async (context) => {
    const client = { token_endpoint_auth_method: 'client_secret_post' };
    const configuration: Configuration = { clientAuthMethods: ['client_secret_post'] };
    assert.deepEqual((await logIn(await setUp(context, { idp: { client, configuration } }))).person, ANN);
  });

  for (const [alg, pair] of [
    ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['PS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['EdDSA', generateKeyPairSync('ed25519')],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ] as const) {
    it(`RFC 7523 §2.2: authenticates with a key (${alg})`, async (context) => {
      const jwk = createPublicKey(pair.privateKey).export({ format: 'jwk' });
      const client = {
        client_secret: undefined,
        token_endpoint_auth_method: 'private_key_jwt',
        token_endpoint_auth_signing_alg: alg,
        jwks: { keys: [{ ...jwk, alg, use: 'sig' }] },
      };
      const configuration: Configuration = { enabledJWA: { clientAuthSigningAlgValues: [alg] } };
      const privateKey = pair.privateKey.export({ format: 'pem', type: 'pkcs8' });
      const set = await setUp(context, {
        idp: { client, configuration },
        upstream: { clientSecret: undefined, privateKey },
      });
      assert.deepEqual((await logIn(set)).person, ANN);
    });
  }

  it('a code is good once', async (context) => {
    const { idp, upstream } = await setUp(context);
    const { url, verifier } = await upstream.begin(REDIRECT_URI);
    const callback = await idp.logIn(url);
    await upstream.finish(callback, verifier);
    await assert.rejects(upstream.finish(callback, verifier), refused('invalid_grant'));
  });

  it('RFC 7636 §4.6: a code is good with its own verifier alone', async (context) => {
    const { idp, upstream } = await setUp(context);
    const { url, verifier } = await upstream.begin(REDIRECT_URI);
    const callback = await idp.logIn(url);
    const codeVerifier = 'x'.repeat(43);
    await assert.rejects(upstream.finish(callback, { ...verifier, codeVerifier }), refused('invalid_grant'));
  });
});

describe('OpenID Connect Core §12: a refresh', () => {
  it('sees the person as they are now, and hands on a rotated token', async (context) => {
    const set = await setUp(context);
    const { refreshToken = '' } = await logIn(set);
    set.idp.person = { email: 'ann@new.example', email_verified: false, name: 'Ann B.', groups: ['staff'] };
    const refreshed = await set.upstream.refresh(refreshToken, ANN);
    assert.deepEqual(refreshed.person, { subject: PERSON, email: undefined, name: 'Ann B.', groups: ['staff'] });
    assert.equal(typeof refreshed.refreshToken, 'string');
    assert.notEqual(refreshed.refreshToken, refreshToken);
  });

  it('works again with a token that is not rotated', async (context) => {
    const set = await setUp(context, { idp: { configuration: { rotateRefreshToken: false } } });
    const { refreshToken = '' } = await logIn(set);
    for (let time = 0; time < 2; time += 1) {
      assert.deepEqual((await set.upstream.refresh(refreshToken, ANN)).person, ANN);
    }
  });

  it('is refused once the grant has been revoked at the IdP', async (context) => {
    const set = await setUp(context);
    const { refreshToken = '' } = await logIn(set);
    await set.idp.revokeAll();
    await assert.rejects(set.upstream.refresh(refreshToken, ANN), refused('invalid_grant', refreshToken));
  });
});

function refused(code: string, secret = 'no secret'): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof UpstreamRefused, String(error));
    assert.equal(error.code, code);
    assert.ok(!error.message.includes(secret));
    return true;
  };
}
