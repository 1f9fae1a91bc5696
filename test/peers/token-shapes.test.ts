/** What stands in the tokens of the identity providers here, beside the record of it that other tests rely on. */
import { after, before, describe, it } from 'node:test';
import { BrowserlessLogin, REDIRECT_URL } from '../../src/demo/browserless-login.ts';
import { type Stage, startStage } from '../../src/demo/stage.ts';
import { fillInLogin } from '../support/browser.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { freePort } from '../support/free-port.ts';
import { generateSigningKey, startGlewlwyd } from '../support/glewlwyd.ts';
import { PERSON, PUBLIC_CLIENT_ID, startLemonLdap } from '../support/lemonldap.ts';
import { connectV1 } from '../support/mcp-clients.ts';
import { startObexProcess } from '../support/obex-process.ts';
import { assertRecorded } from '../support/token-shape.ts';

const RESOURCE = 'https://tool.example/mcp';
const SCOPE = 'mcp:read';

before(() => requireDebianPackages());

describe('recorded tokens and discovery documents', () => {
  const running = new AsyncDisposableStack();
  let stage: Stage;

  before(async () => {
    const startObex = (yaml: string) => startObexProcess({ config: yaml });
    stage = running.adopt(await startStage({ startObex, port: await freePort() }), (it) => it.stop());
  });

  after(() => running.disposeAsync());

  it('are those of oidc-provider', async () => {
    const { idp, resource } = stage;
    const client = await connectV1(resource, new BrowserlessLogin('a test'));
    const user = client.login.tokens()?.access_token;
    const clientId = client.login.clientInformation()?.client_id;
    await client.close();
    const program = await idp.issueToken({ scope: 'demo:use' });
    await assertRecorded('oidc-provider', idp, { resource, clientId, tokens: { client_credentials: program, user } });
  });

  it('are those of glewlwyd', async () => {
    const key = generateSigningKey('ES256');
    const idp = running.adopt(await startGlewlwyd({ resources: [RESOURCE], scopes: [SCOPE], key }), (it) => it.stop());
    const program = await idp.getToken({ scope: SCOPE });
    await assertRecorded('glewlwyd', idp, { resource: RESOURCE, tokens: { client_credentials: program } });
  });

  it('are those of LemonLDAP::NG', async () => {
    const obexPort = await freePort();
    const resource = `http://localhost:${obexPort}/mcp`;
    const options = { resource, scopes: [SCOPE], redirectUrl: REDIRECT_URL };
    const idp = running.adopt(await startLemonLdap(options), (it) => it.stop());
    const program = await idp.getToken({ scope: SCOPE });
    const user = await logInAtLemonLdap(idp.issuer, obexPort);
    await assertRecorded('lemonldap', idp, { resource, tokens: { client_credentials: program, user } });
  });

  /** The access token of an official client, whose login Obex has set off. */
  async function logInAtLemonLdap(issuer: string, port: number): Promise<string | undefined> {
    const config = `obex: { public_url: "http://localhost:${port}", listen: "127.0.0.1:${port}" }
backend: { url: "${new URL(stage.mcpServer.url).origin}" }
resource: { url: "http://localhost:${port}/mcp", scopes_supported: [openid, "${SCOPE}"] }
idp: { issuer: "${issuer}" }
`;
    const obex = running.adopt(await startObexProcess({ config }), (it) => it.stop());
    const login = new BrowserlessLogin('a test', fillInLogin(PERSON));
    login.saveClientInformation({ client_id: PUBLIC_CLIENT_ID, issuer });
    const client = await connectV1(`${obex.url}/mcp`.replace('127.0.0.1', 'localhost'), login);
    await client.close();
    return login.tokens()?.access_token;
  }
});
