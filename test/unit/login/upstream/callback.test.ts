/** What a browser may bring back, and what an ID token may say: nothing that was not asked for. OpenID Connect Core §3.1.3.7, RFC 9207. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLIENT_ID } from '../../../support/stand-in-idp.ts';
import { issuerKey } from '../../../support/test-issuer.ts';
import { CODE, invalid, logIn, REDIRECT_URI, type Redirect, refused, setUp, unavailable } from './set-up.ts';

describe('RFC 6749 §4.1.2: the redirect of the IdP', () => {
  it('is answered with the person', async (context) => {
    const scene = await setUp(context);
    scene.idp.claims = { email: 'ann@corp.example', email_verified: true, name: 'Ann', groups: ['staff'] };
    assert.deepEqual(await logIn(scene), {
      person: { subject: 'ann', email: 'ann@corp.example', name: 'Ann', groups: ['staff'] },
      refreshToken: 'refresh-token-1-of-the-stand-in',
    });
    const [asked, ...more] = scene.idp.requests('/token');
    assert.deepEqual(more, []);
    // RFC 6749 Appendix B: what need not be encoded is not.
    const basic = Buffer.from('client-1:a-secret_of.the%7Eclient').toString('base64');
    assert.equal(asked?.authorization, `Basic ${basic}`);
    const { code_verifier: verifier, ...form } = Object.fromEntries(asked?.form ?? []);
    assert.match(verifier ?? '', /^[\w-]{43}$/);
    assert.deepEqual(form, { grant_type: 'authorization_code', code: CODE, redirect_uri: REDIRECT_URI });
    assert.deepEqual(scene.idp.requests('/userinfo'), []);
  });

  it('has no refresh token where the IdP gives none', async (context) => {
    const scene = await setUp(context);
    scene.idp.tokens = {};
    assert.equal((await logIn(scene)).refreshToken, undefined);
  });

  const wrong: Readonly<Record<string, readonly [redirect: Redirect, message: RegExp]>> = {
    '§10.12: another state': [() => ({ state: 'another' }), /unexpected "state" response parameter value$/],
    '§10.12: no state': [() => ({ state: undefined }), /response parameter "state" missing$/],
    'RFC 9207 §2.4: another iss': [() => ({ iss: 'https://evil.example' }), /unexpected "iss" \(issuer\)/],
    'no code': [() => ({ code: undefined }), /no authorization code/],
    'an error with another state': [() => ({ error: 'access_denied', state: 'another' }), /unexpected "state"/],
    'a JWT': [() => ({ response: 'eyJhbGciOiJub25lIn0.e30.' }), /JARM/],
  };
  for (const [how, [redirect, message]] of Object.entries(wrong)) {
    it(`is refused with ${how}, and nothing is asked of the IdP`, async (context) => {
      const scene = await setUp(context);
      await assert.rejects(logIn(scene, redirect), invalid(message));
      assert.deepEqual(scene.idp.requests('/token'), []);
    });
  }

  it('RFC 9207 §2.4: is refused without iss where the metadata promise one', async (context) => {
    const scene = await setUp(context);
    scene.idp.metadata = { authorization_response_iss_parameter_supported: true };
    await assert.rejects(logIn(scene), invalid(/response parameter "iss" \(issuer\) missing$/));
    assert.equal((await logIn(scene, () => ({ iss: scene.idp.issuer }))).person.subject, 'ann');
  });

  it('RFC 6749 §3.1: is refused with a state that comes twice', async (context) => {
    const { idp, upstream } = await setUp(context);
    const { verifier } = await upstream.begin(REDIRECT_URI);
    const callback = new URL(`${REDIRECT_URI}?code=${CODE}&state=${verifier.state}&state=${verifier.state}`);
    await assert.rejects(upstream.finish(callback, verifier), invalid(/"state" parameter must be provided only once/));
    assert.deepEqual(idp.requests('/token'), []);
  });

  it('§4.1.2.1: says that the person, or the IdP, said no', async (context) => {
    const scene = await setUp(context);
    const redirect = () => ({ code: undefined, error: 'access_denied', error_description: 'Ann clicked "No".' });
    await assert.rejects(logIn(scene, redirect), refused('access_denied', 'Ann clicked No.'));
  });

  it('§4.1.2.1: shows neither markup, nor a book, nor anything as long as a token', async (context) => {
    const scene = await setUp(context);
    const description = `<script>alert(1)</script>\u202e\u0000 ${CODE} ${'long '.repeat(2_000)}`;
    const redirect = () => ({ code: undefined, error: '<b>', error_description: description });
    const shown = `scriptalert(1)/script  ... ${'long '.repeat(40)}`.slice(0, 200).trim();
    await assert.rejects(logIn(scene, redirect), refused('unnamed', shown));
  });

  for (const error of ['server_error', 'temporarily_unavailable']) {
    it(`§4.1.2.1: takes ${error} for the outage that it is`, async (context) => {
      const scene = await setUp(context);
      await assert.rejects(
        logIn(scene, () => ({ code: undefined, error })),
        unavailable(/^the IdP answers /),
      );
    });
  }
});

describe('OpenID Connect Core §3.1.3.7: an ID token', () => {
  const now = Math.floor(Date.now() / 1000);
  const claims: Readonly<Record<string, readonly [claims: Readonly<Record<string, unknown>>, message: RegExp]>> = {
    'step 2: another issuer': [{ iss: 'https://evil.example' }, /unexpected JWT "iss"/],
    'step 3: another audience': [{ aud: 'client-2' }, /unexpected JWT "aud"/],
    'step 3: an audience that nobody vouches for': [{ aud: [CLIENT_ID, 'client-2'] }, /additional untrusted audiences/],
    'step 5: another authorized party': [{ azp: 'client-2' }, /the azp of the ID token is another client$/],
    'step 9: its end behind it': [{ exp: now - 60 }, /"exp".*past current timestamp/],
    'step 9: no end': [{ exp: undefined }, /"exp".*missing/],
    'step 10: no beginning': [{ iat: undefined }, /"iat".*missing/],
    'step 11: another nonce': [{ nonce: 'another' }, /unexpected ID Token "nonce"/],
    'step 11: no nonce': [{ nonce: undefined }, /"nonce" \(nonce\) claim missing/],
    '§2: no subject': [{ sub: undefined }, /"sub".*missing/],
    '§2: an empty subject': [{ sub: '' }, /expected sub in the ID token, of 1 to 255 characters/],
    '§2: a subject of 256 characters': [
      { sub: 'x'.repeat(256) },
      /expected sub in the ID token, of 1 to 255 characters/,
    ],
  };
  for (const [how, [changed, message]] of Object.entries(claims)) {
    it(`is refused with ${how}`, async (context) => {
      const scene = await setUp(context);
      scene.idp.claims = changed;
      await assert.rejects(logIn(scene), invalid(message));
    });
  }

  for (const metadata of [{}, { id_token_signing_alg_values_supported: ['RS256', 'none'] }]) {
    it(`step 7: is refused without a signature, metadata ${JSON.stringify(metadata)}`, async (context) => {
      const scene = await setUp(context);
      scene.idp.metadata = metadata;
      scene.idp.header = { alg: 'none', kid: undefined };
      await assert.rejects(logIn(scene), invalid(/"alg"/));
    });
  }

  it('step 6: is refused when another key has signed it', async (context) => {
    const scene = await setUp(context);
    scene.idp.key = issuerKey('RS256', 'key-2', 'key-1');
    await assert.rejects(logIn(scene), invalid(/JWT signature verification failed$/));
  });

  it('step 6: is refused when its key is not among those of the IdP', async (context) => {
    const scene = await setUp(context);
    scene.idp.key = issuerKey('RS256', 'key-2');
    await assert.rejects(logIn(scene), invalid(/no applicable keys found$/));
  });

  it('is missed', async (context) => {
    const scene = await setUp(context);
    scene.idp.tokens = { id_token: undefined };
    await assert.rejects(logIn(scene), invalid(/"id_token"/));
  });

  it('is refused when it is no JWT', async (context) => {
    const scene = await setUp(context);
    scene.idp.tokens = { id_token: 'eyJhbGciOiJSUzI1NiJ9.e30' };
    await assert.rejects(logIn(scene), invalid(/Invalid JWT/));
    scene.idp.tokens = { id_token: 'eyJhbGciOi.eyJhbGciOi.eyJhbGciOi' };
    await assert.rejects(logIn(scene), invalid(/parse JWT Header/));
  });
});
