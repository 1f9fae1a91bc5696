/** Spring Authorization Server in front of Obex: its audience is the client, unless a token customizer says otherwise. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import { REDIRECT_URL } from '../../src/demo/browserless-login.ts';
import { fillInLogin } from '../support/browser.ts';
import { connectV1 } from '../support/mcp-clients.ts';
import { assertRecorded } from '../support/token-shape.ts';
import { PERSON, PROGRAM, PUBLIC_CLIENT, type RealIdp, requestToken } from './real-idp.ts';
import { CLIENTS, OTHER_SCOPE, reservePlace, SCOPE, type Scene, startScene } from './scene.ts';
import { SPRING_VERSION, type SpringOptions, startSpring } from './spring.ts';

const logIn = fillInLogin({ username: PERSON.name, password: PERSON.password });
const sections = `authz: { required_scopes: ["${SCOPE}"] }`;

/** Spring with that audience, and Obex; both end with `running`. */
async function start(
  audience: SpringOptions['audience'],
  running: AsyncDisposableStack,
): Promise<{ readonly idp: RealIdp; readonly scene: Scene }> {
  const { port, resource } = await reservePlace();
  const options = { audience, resource, scopes: [SCOPE, OTHER_SCOPE], redirectUrl: REDIRECT_URL };
  const idp = running.adopt(await startSpring(options), (it) => it.stop());
  const scene = running.adopt(await startScene({ port, idp, access: 'preset: spring', sections }), (it) => it.stop());
  return { idp, scene };
}

describe(`Spring Authorization Server ${SPRING_VERSION}`, () => {
  const running = new AsyncDisposableStack();
  let idp: RealIdp;
  let scene: Scene;

  before(async () => {
    ({ idp, scene } = await start('resource', running));
  });

  after(() => running.disposeAsync());

  it('client credentials, audience, headers: sub is the client, and no claim names it besides', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE });
    await scene.assertAccepted(token, { user: PROGRAM.id, scopes: SCOPE });
  });

  for (const [name, connect] of CLIENTS) {
    it(`login: ${name}, with a client registered beforehand`, async () => {
      const client = await scene.logIn(connect, logIn);
      await scene.assertKnownAs(client, { user: PERSON.name, scopes: SCOPE });
      await client.close();
    });
  }

  it('no refresh: a public client gets no refresh token', async () => {
    const client = await scene.logIn(connectV1, logIn);
    assert.equal(client.login.tokens()?.refresh_token, undefined);
    await client.close();
  });

  it('scopes: a token with another scope is refused', async () => {
    const { access_token: token } = await requestToken(idp, { scope: OTHER_SCOPE });
    await scene.assertRefused(token, 403, 'insufficient_scope');
  });
});

describe(`Spring Authorization Server ${SPRING_VERSION} as it comes`, () => {
  const running = new AsyncDisposableStack();
  let idp: RealIdp;
  let scene: Scene;

  before(async () => {
    ({ idp, scene } = await start('client', running));
  });

  after(() => running.disposeAsync());

  it('no client credentials, audience: a token whose aud is the client is refused, whatever resource it was asked for', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, resource: scene.resource });
    assert.equal(decodeJwt(token).aud, PROGRAM.id);
    await scene.assertRefused(token, 401, 'audience_mismatch');
  });

  it('shape: what stands in the tokens is what was recorded', async () => {
    const { port } = await reservePlace();
    const resource = `audiences: ["${PUBLIC_CLIENT}"]\n  scopes_supported: ["${SCOPE}", openid]`;
    const open = await startScene({ port, idp, access: 'preset: spring', resource });
    const client = await open.logIn(connectV1, logIn);
    const tokens = client.login.tokens();
    await client.close();
    await open.stop();
    const { access_token: program } = await requestToken(idp, { scope: SCOPE });
    await assertRecorded('spring', idp, {
      resource: scene.resource,
      tokens: { client_credentials: program, user: tokens?.access_token, id_token: tokens?.id_token },
    });
  });
});
