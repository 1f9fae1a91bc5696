/** Ory Hydra in front of Obex: opaque tokens as it comes, JWTs when told so, and the audience from the login and consent app. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decodeJwt } from 'jose';
import { REDIRECT_URL } from '../../src/demo/browserless-login.ts';
import { fillInLogin } from '../support/browser.ts';
import { type ConnectedClient, connectV2 } from '../support/mcp-clients.ts';
import { assertRecorded } from '../support/token-shape.ts';
import { until } from '../support/until.ts';
import { HYDRA_VERSION, type Hydra, type HydraOptions, startHydra } from './hydra.ts';
import { PERSON, PROGRAM, PUBLIC_CLIENT, refresh, requestToken } from './real-idp.ts';
import { CLIENTS, OTHER_SCOPE, reservePlace, SCOPE, type Scene, startScene } from './scene.ts';

const OTHER_RESOURCE = 'https://other.example/mcp';
/** There is nothing to fill in: its login and consent app lets everybody through. */
const logIn = fillInLogin({});
const sections = `authz: { required_scopes: ["${SCOPE}"] }`;

/** Hydra with such tokens, and Obex with these lines under `idp`; both end with `running`. */
async function start(
  accessTokens: HydraOptions['accessTokens'],
  running: AsyncDisposableStack,
  formatAccess: (idp: Hydra) => string = () => '',
): Promise<{ readonly idp: Hydra; readonly scene: Scene }> {
  const { port, resource } = await reservePlace();
  const idp = running.adopt(
    await startHydra({
      accessTokens,
      resource,
      otherResource: OTHER_RESOURCE,
      scopes: [SCOPE, OTHER_SCOPE],
      redirectUrl: REDIRECT_URL,
    }),
    (it) => it.stop(),
  );
  const access = `preset: hydra\n  ${formatAccess(idp)}`;
  const scene = running.adopt(await startScene({ port, idp, access, sections }), (it) => it.stop());
  return { idp, scene };
}

describe(`Ory Hydra ${HYDRA_VERSION}, access tokens as JWTs`, () => {
  const running = new AsyncDisposableStack();
  let idp: Hydra;
  let scene: Scene;

  before(async () => {
    ({ idp, scene } = await start('jwt', running));
  });

  after(() => running.disposeAsync());

  it('client credentials, headers: sub is the client, scopes come as a list in scp', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, audience: scene.resource });
    await scene.assertAccepted(token, { user: PROGRAM.id, client: PROGRAM.id, scopes: SCOPE });
  });

  for (const [name, connect] of CLIENTS) {
    it(`login: ${name}, with a client registered beforehand`, async () => {
      const client = await scene.logIn(connect, logIn);
      // Those of 2.x ask for it wherever the IdP lists it.
      const scopes = client.login.tokens()?.refresh_token === undefined ? SCOPE : `${SCOPE} offline_access`;
      await scene.assertKnownAs(client, { user: PERSON.name, client: PUBLIC_CLIENT, scopes });
      await client.close();
    });
  }

  describe('a person', () => {
    let client: ConnectedClient;

    before(async () => {
      client = await scene.logIn(connectV2, logIn);
    });

    after(() => client.close());

    it('refresh: the new token is for the same resource and scopes', async () => {
      const first = client.login.tokens();
      const { access_token: token } = await refresh(idp, first?.refresh_token);
      assert.notEqual(token, first?.access_token);
      await scene.assertAccepted(token, {
        user: PERSON.name,
        client: PUBLIC_CLIENT,
        scopes: `${SCOPE} offline_access`,
      });
    });

    it('shape: what stands in the tokens is what was recorded', async () => {
      const { access_token: program } = await requestToken(idp, { scope: SCOPE, audience: scene.resource });
      await assertRecorded('hydra', idp, {
        resource: scene.resource,
        tokens: { client_credentials: program, user: client.login.tokens()?.access_token },
      });
    });
  });

  it('audience: a token for another resource is refused', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, audience: OTHER_RESOURCE });
    assert.deepEqual(decodeJwt(token).aud, [OTHER_RESOURCE]);
    await scene.assertRefused(token, 401, 'audience_mismatch');
  });

  it('audience: resource is not read, and a token without audience is refused', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, resource: scene.resource });
    assert.deepEqual(decodeJwt(token).aud, []);
    await scene.assertRefused(token, 401, 'audience_mismatch');
  });

  it('scopes: a token for the resource with another scope is refused', async () => {
    const { access_token: token } = await requestToken(idp, { scope: OTHER_SCOPE, audience: scene.resource });
    await scene.assertRefused(token, 403, 'insufficient_scope');
  });
});

describe(`Ory Hydra ${HYDRA_VERSION} as it comes`, () => {
  const running = new AsyncDisposableStack();
  let idp: Hydra;
  let scene: Scene;

  before(async () => {
    ({ idp, scene } = await start('opaque', running));
  });

  after(() => running.disposeAsync());

  it('no client credentials: an opaque token is refused where nobody can be asked about it', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, audience: scene.resource });
    assert.match(token, /^ory_at_[\w-]+\.[\w-]+$/);
    await scene.assertRefused(token, 401, 'invalid_token');
  });

  it('shape: what introspection says is what was recorded', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, audience: scene.resource });
    await assertRecorded('hydra-opaque', idp, {
      resource: scene.resource,
      introspection: await idp.introspect(token),
      tokens: {},
    });
  });
});

describe(`Ory Hydra ${HYDRA_VERSION} as it comes, asked about its tokens`, () => {
  const running = new AsyncDisposableStack();
  let idp: Hydra;
  let scene: Scene;

  before(async () => {
    // Whoever reaches the administrative port may ask: Hydra looks at no credentials there.
    const formatAccess = ({ introspectionEndpoint }: Hydra): string =>
      `introspection: { endpoint: "${introspectionEndpoint}", client_id: obex, client_secret: any, cache_ttl: 1s }`;
    ({ idp, scene } = await start('opaque', running, formatAccess));
  });

  after(() => running.disposeAsync());

  it('client credentials, headers: an opaque token is accepted, sub is the client', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, audience: scene.resource });
    await scene.assertAccepted(token, { user: PROGRAM.id, client: PROGRAM.id, scopes: SCOPE });
  });

  for (const [name, connect] of CLIENTS) {
    it(`login: ${name}, with a client registered beforehand`, async () => {
      const client = await scene.logIn(connect, logIn);
      const scopes = client.login.tokens()?.refresh_token === undefined ? SCOPE : `${SCOPE} offline_access`;
      await scene.assertKnownAs(client, { user: PERSON.name, client: PUBLIC_CLIENT, scopes });
      await client.close();
    });
  }

  it('refresh: the new token is accepted, and the refresh token is no access token', async () => {
    const client = await scene.logIn(connectV2, logIn);
    // What it still has to say would stand between the requests of this test.
    await client.close();
    const refreshed = await refresh(idp, client.login.tokens()?.refresh_token);
    const identity = { user: PERSON.name, client: PUBLIC_CLIENT, scopes: `${SCOPE} offline_access` };
    await scene.assertAccepted(refreshed.access_token, identity);
    await scene.assertRefused(refreshed.refresh_token ?? '', 401, 'invalid_token');
  });

  it('revocation: a token is refused within cache_ttl after it was revoked (RFC 7009)', async () => {
    const { access_token: token } = await requestToken(idp, { scope: SCOPE, audience: scene.resource });
    await scene.assertAccepted(token, { user: PROGRAM.id, client: PROGRAM.id, scopes: SCOPE });
    await idp.revoke(token);
    await until('a refusal', async () => {
      await scene.assertRefused(token, 401, 'token_inactive');
      return true;
    });
  });

  it('audience: a token for another resource, or for none, is refused', async () => {
    for (const audience of [OTHER_RESOURCE, '']) {
      const { access_token: token } = await requestToken(idp, { scope: SCOPE, audience });
      await scene.assertRefused(token, 401, 'audience_mismatch');
    }
  });

  it('scopes: a token for the resource with another scope is refused', async () => {
    const { access_token: token } = await requestToken(idp, { scope: OTHER_SCOPE, audience: scene.resource });
    await scene.assertRefused(token, 403, 'insufficient_scope');
  });
});
