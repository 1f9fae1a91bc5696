/** What goes wrong between Obex and the IdP: whom it is blamed on. RFC 6749 §5.2, OpenID Connect Discovery §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StandInAnswer } from '../../../support/stand-in-idp.ts';
import { invalid, logIn, REDIRECT_URI, refused, type Scene, setUp, unavailable } from './set-up.ts';

const ANN = { subject: 'ann', email: undefined, name: undefined, groups: [] };
const REFRESH_TOKEN = 'refresh-token-1-of-the-stand-in';

const ASKING: Readonly<Record<string, (scene: Scene) => Promise<unknown>>> = {
  'a login': logIn,
  'a refresh': ({ upstream }) => upstream.refresh(REFRESH_TOKEN, ANN),
};

for (const [what, ask] of Object.entries(ASKING)) {
  describe(`RFC 6749 §5.2: the token endpoint, at ${what}`, () => {
    it('says invalid_client, although with a challenge', async (context) => {
      const scene = await setUp(context);
      const headers = { 'WWW-Authenticate': 'Basic realm="idp"' };
      scene.idp.token = { status: 401, body: { error: 'invalid_client' }, headers };
      await assert.rejects(ask(scene), refused('invalid_client', ''));
    });

    it('says invalid_grant, and repeats the token', async (context) => {
      const scene = await setUp(context);
      const error_description = `The token ${REFRESH_TOKEN} is revoked`;
      scene.idp.token = { status: 400, body: { error: 'invalid_grant', error_description } };
      await assert.rejects(ask(scene), refused('invalid_grant', 'The token ... is revoked'));
    });

    const outages: Readonly<Record<string, readonly [answer: StandInAnswer, message: RegExp]>> = {
      '500': [{ status: 500 }, /^POST http:\/\/127\.0\.0\.1:\d+\/token: expected status 200, got 500$/],
      '503 with an OAuth error': [{ status: 503, body: { error: 'invalid_grant' } }, /got 503$/],
      '429 with an OAuth error': [{ status: 429, body: { error: 'invalid_grant' } }, /got 429$/],
      'a redirect': [{ status: 302, headers: { Location: '/elsewhere' } }, /got 302$/],
      'a page': [{ body: '<html>' }, /\/token: expected JSON$/],
      'a page of a firewall': [{ status: 403, body: '<html>' }, /none of its kind/],
      '404 without an error': [{ status: 404, body: {} }, /none of its kind/],
      temporarily_unavailable: [{ status: 400, body: { error: 'temporarily_unavailable' } }, /^the IdP answers temp/],
      'too much': [{ body: { access_token: 'x'.repeat(257 * 1024) } }, /larger than 262144 bytes$/],
    };
    for (const [how, [answer, message]] of Object.entries(outages)) {
      it(`is down: ${how}`, async (context) => {
        const scene = await setUp(context);
        scene.idp.token = answer;
        await assert.rejects(ask(scene), unavailable(message));
        assert.deepEqual(scene.idp.requests('/elsewhere'), [], 'redirects are not followed');
      });
    }

    it('never answers', async (context) => {
      const scene = await setUp(context, {}, { timeoutMs: 200 });
      scene.idp.token = 'hanging';
      await assert.rejects(ask(scene), unavailable(/no complete answer in 200 ms$/));
    });

    it('gives no access token', async (context) => {
      const scene = await setUp(context);
      scene.idp.token = { body: {} };
      await assert.rejects(ask(scene), invalid(/"access_token"/));
    });
  });
}

describe('OpenID Connect Discovery §4: the metadata', () => {
  it('are asked for once by all who come at the same time, and again after an hour', async (context) => {
    const { idp, upstream, clock } = await setUp(context);
    const asked = () => idp.requests('/.well-known/openid-configuration').length;
    assert.equal(asked(), 0);
    await Promise.all([upstream.begin(REDIRECT_URI), upstream.begin(REDIRECT_URI)]);
    clock.advance(3_599_999);
    await upstream.begin(REDIRECT_URI);
    assert.equal(asked(), 1);
    clock.advance(1);
    await upstream.begin(REDIRECT_URI);
    assert.equal(asked(), 2);
  });

  it('are left alone after a failure, longer each time', async (context) => {
    const { idp, upstream, clock } = await setUp(context);
    idp.discovery = { status: 503 };
    const failed = unavailable(/^GET http:\/\/127\.0\.0\.1:\d+\/\.well-known\/openid-configuration: .* got 503$/);
    for (const [waitMs, asked] of [
      [0, 1],
      [499, 1],
      [1, 2],
      [500, 2],
      [500, 3],
    ] as const) {
      clock.advance(waitMs);
      await assert.rejects(upstream.begin(REDIRECT_URI), failed);
      assert.equal(idp.asked.length, asked);
    }
    idp.discovery = undefined;
    clock.advance(30_000);
    await upstream.begin(REDIRECT_URI);
  });

  const wrong: Readonly<Record<string, readonly [metadata: Readonly<Record<string, unknown>>, message: RegExp]>> = {
    '§4.3: those of another issuer': [{ issuer: 'https://evil.example' }, /does not match the expected issuer/],
    '§4.3: those of nearly the same': [{ issuer: 'http://127.0.0.1:1/' }, /does not match the expected issuer/],
    'no authorization endpoint': [
      { authorization_endpoint: undefined },
      /no authorization_endpoint that is an https URL$/,
    ],
    'a login in the clear': [{ authorization_endpoint: 'http://idp.example/' }, /no authorization_endpoint that/],
    'a login that is a script': [{ authorization_endpoint: 'javascript:alert(1)' }, /no authorization_endpoint that/],
  };
  for (const [how, [metadata, message]] of Object.entries(wrong)) {
    it(`are refused: ${how}`, async (context) => {
      const { idp, upstream } = await setUp(context);
      idp.metadata = metadata;
      await assert.rejects(upstream.begin(REDIRECT_URI), invalid(message));
    });
  }

  it('§4.3: are refused where a final slash is all that differs', async (context) => {
    const { idp, upstream } = await setUp(context);
    idp.metadata = { issuer: `${idp.issuer}/` };
    await assert.rejects(
      upstream.begin(REDIRECT_URI),
      invalid(/^login\.issuer is http:\S+\d, and its metadata call it http:\S+\d\/: write that$/),
    );
  });

  it('name a token endpoint in the clear: no secret goes there', async (context) => {
    const scene = await setUp(context);
    scene.idp.metadata = { token_endpoint: 'http://idp.example/token' };
    await assert.rejects(logIn(scene), invalid(/^http:\/\/idp\.example\/token is not https/));
  });

  it('cannot be had: nobody listens', async (context) => {
    const { upstream } = await setUp(context, { issuer: 'http://127.0.0.1:1' });
    await assert.rejects(upstream.begin(REDIRECT_URI), unavailable(/^GET http:\/\/127\.0\.0\.1:1\//));
  });
});
