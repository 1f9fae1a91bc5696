/** Dex in front of Obex: its access tokens look like ID tokens, their audience is the client, and they hold no scopes. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import { REDIRECT_URL } from '../../src/demo/browserless-login.ts';
import { fillInLogin } from '../support/browser.ts';
import { type ConnectedClient, connectV2 } from '../support/mcp-clients.ts';
import { assertRecorded } from '../support/token-shape.ts';
import { DEX_VERSION, startDex } from './dex.ts';
import { PERSON, PROGRAM, PUBLIC_CLIENT, type RealIdp, refresh, requestToken, subjectOf } from './real-idp.ts';
import { CLIENTS, reservePlace, type Scene, startScene } from './scene.ts';

const logIn = fillInLogin({ login: PERSON.email, password: PERSON.password });
/** Clients ask for what stands there; Dex wants `openid` in every request. */
const askFor = 'scopes_supported: [openid]';
const access = 'preset: dex\n  dangerously_accept_id_tokens: true';
const forItsClients = `audiences: ["${PUBLIC_CLIENT}", "${PROGRAM.id}"]\n  ${askFor}`;

describe(`Dex ${DEX_VERSION}`, () => {
  const running = new AsyncDisposableStack();
  let idp: RealIdp;
  let scene: Scene;
  let client: ConnectedClient;

  before(async () => {
    const { port } = await reservePlace();
    idp = running.adopt(await startDex({ redirectUrl: REDIRECT_URL }), (it) => it.stop());
    scene = running.adopt(await startScene({ port, idp, access, resource: forItsClients }), (it) => it.stop());
    client = running.adopt(await scene.logIn(connectV2, logIn), (it) => it.close());
  });

  after(() => running.disposeAsync());

  it('no client credentials: it does not know the grant', async () => {
    await assert.rejects(requestToken(idp, { scope: 'openid' }), /unsupported_grant_type/);
  });

  for (const [name, connect] of CLIENTS) {
    it(`login, headers: ${name}, with a client registered beforehand`, async () => {
      const loggedIn = await scene.logIn(connect, logIn);
      await scene.assertKnownAs(loggedIn, { user: subjectOf(loggedIn.login.tokens()?.access_token), scopes: '' });
      await loggedIn.close();
    });
  }

  it('refresh: the new token is for the same client', async () => {
    // A later login of the same person with the same client ends the refresh token of an earlier one.
    const latest = await scene.logIn(connectV2, logIn);
    const first = latest.login.tokens();
    await latest.close();
    const { access_token: token } = await refresh(idp, first?.refresh_token);
    assert.notEqual(token, first?.access_token);
    await scene.assertAccepted(token, { user: subjectOf(first?.access_token), scopes: '' });
  });

  it('no scopes: a required scope is never there', async () => {
    const { port } = await reservePlace();
    const sections = 'authz: { required_scopes: [openid] }';
    const strict = await startScene({ port, idp, access, resource: forItsClients, sections });
    await strict.assertRefused(client.login.tokens()?.access_token ?? '', 403, 'insufficient_scope');
    await strict.stop();
  });

  it('audience: always the client, which is refused where it is not configured', async () => {
    const { port } = await reservePlace();
    const plain = await startScene({ port, idp, access, resource: askFor });
    const token = client.login.tokens()?.access_token ?? '';
    assert.equal(decodeJwt(token).aud, PUBLIC_CLIENT);
    await plain.assertRefused(token, 401, 'audience_mismatch');
    await plain.stop();
  });

  it('its access tokens are refused as ID tokens, which they look like, unless those are accepted', async () => {
    const { port } = await reservePlace();
    const careful = await startScene({ port, idp, access: 'preset: dex', resource: forItsClients });
    await careful.assertRefused(client.login.tokens()?.access_token ?? '', 401, 'id_token');
    await careful.stop();
  });

  it('shape: what stands in the tokens is what was recorded', async () => {
    const { access_token: user, id_token } = client.login.tokens() ?? {};
    await assertRecorded('dex', idp, { resource: scene.resource, tokens: { user, id_token } });
  });
});
