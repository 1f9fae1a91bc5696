/** Keycloak in front of Obex: the audience comes with the scope, and a token without it is for Keycloak's own account pages. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import { REDIRECT_URL } from '../../src/demo/browserless-login.ts';
import { fillInLogin } from '../support/browser.ts';
import { type ConnectedClient, connectV1 } from '../support/mcp-clients.ts';
import { assertRecorded } from '../support/token-shape.ts';
import { KEYCLOAK_VERSION, startKeycloak } from './keycloak.ts';
import { PERSON, PROGRAM, PUBLIC_CLIENT, type RealIdp, refresh, requestToken, subjectOf } from './real-idp.ts';
import { CLIENTS, OTHER_SCOPE, reservePlace, SCOPE, type Scene, startScene } from './scene.ts';

const logIn = fillInLogin({ username: PERSON.name, password: PERSON.password });

describe(`Keycloak ${KEYCLOAK_VERSION}`, () => {
  const running = new AsyncDisposableStack();
  let idp: RealIdp;
  let scene: Scene;

  before(async () => {
    const { port, resource } = await reservePlace();
    const options = { resource, scopes: [SCOPE, OTHER_SCOPE], redirectUrl: REDIRECT_URL };
    idp = running.adopt(await startKeycloak(options), (it) => it.stop());
    scene = running.adopt(
      await startScene({ port, idp, access: 'preset: keycloak', sections: `authz: { required_scopes: ["${SCOPE}"] }` }),
      (it) => it.stop(),
    );
  });

  after(() => running.disposeAsync());

  it('client credentials, headers: sub is the id of the service account, azp the client', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE });
    await scene.assertAccepted(token, { user: subjectOf(token), client: PROGRAM.id, scopes: `email ${SCOPE} profile` });
  });

  for (const [name, connect] of CLIENTS) {
    it(`login: ${name}, with a client registered beforehand`, async () => {
      const client = await scene.logIn(connect, logIn);
      // Those of 2.x ask for it wherever the IdP lists it.
      const offline = connect === connectV1 ? '' : 'offline_access ';
      const scopes = `email ${SCOPE} ${offline}profile`;
      const user = subjectOf(client.login.tokens()?.access_token);
      await scene.assertKnownAs(client, { user, client: PUBLIC_CLIENT, scopes });
      await client.close();
    });
  }

  describe('a person', () => {
    let client: ConnectedClient;

    before(async () => {
      client = await scene.logIn(connectV1, logIn);
    });

    after(() => client.close());

    it('refresh: the new token is for the same resource and scopes', async () => {
      const first = client.login.tokens();
      const { access_token: token } = await refresh(idp, first?.refresh_token);
      assert.notEqual(token, first?.access_token);
      const user = subjectOf(first?.access_token);
      await scene.assertAccepted(token, { user, client: PUBLIC_CLIENT, scopes: `email ${SCOPE} profile` });
    });

    it('shape: what stands in the tokens is what was recorded', async () => {
      const { access_token: program } = await requestToken(idp, { scope: SCOPE });
      await assertRecorded('keycloak', idp, {
        resource: scene.resource,
        tokens: { client_credentials: program, user: client.login.tokens()?.access_token },
      });
    });
  });

  it('audience: a token without the scope that brings it is refused', async () => {
    const { access_token: token } = await requestToken(idp, {});
    assert.equal(decodeJwt(token).aud, 'account');
    await scene.assertRefused(token, 401, 'audience_mismatch');
  });

  it('audience: resource is not read', async () => {
    const { access_token: token } = await requestToken(idp, { resource: scene.resource });
    await scene.assertRefused(token, 401, 'audience_mismatch');
  });

  it('scopes: a token for the resource with another scope is refused', async () => {
    const { access_token: token } = await requestToken(idp, { scope: OTHER_SCOPE });
    await scene.assertRefused(token, 403, 'insufficient_scope');
  });
});
