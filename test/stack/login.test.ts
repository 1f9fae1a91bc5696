/** The profile `login`: MCP clients register and log in at Obex, people at an IdP that knows no MCP. RFC 6749 §4.1, §6, RFC 7591. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { BrowserlessLogin } from '../../src/demo/browserless-login.ts';
import { postMessage } from '../../src/demo/plain-request.ts';
import { parseObject } from '../support/json.ts';
import { connectV1, connectV2 } from '../support/mcp-clients.ts';
import { prepareStack, type Stack, trustCertificateIn, untilReady } from './compose-stack.ts';
import { docker } from './docker.ts';

const OBEX = 'https://localhost:8445';
const IDP = 'http://localhost:9001';
const RESOURCE = `${OBEX}/mcp`;

let stack: Stack;

before(async () => {
  stack = await prepareStack({ settings: { COMPOSE_PROFILES: 'login' } });
  await stack.compose('up', '--detach', 'obex-login', 'mcp-mariadb');
  trustCertificateIn(stack.certs);
  await untilReady(OBEX);
});

after(() => stack.down());

/** Logs in at once; for what becomes of the tokens. */
async function logIn(): Promise<BrowserlessLogin> {
  const login = new BrowserlessLogin('test client of the stack');
  const client = await connectV1(RESOURCE, login);
  // A stream that is cancelled as it opens would, in Node's fetch, throw when Obex closes the connection.
  await client.listToolNames();
  await client.close();
  return login;
}

describe('Obex with login, before an IdP that registers no clients', () => {
  for (const [version, connect] of Object.entries({ '1.x': connectV1, '2.x': connectV2 })) {
    it(`lets the official client ${version} ask the database, with tokens of its own`, async () => {
      const login = new BrowserlessLogin(`test client ${version}`);
      const client = await connect(RESOURCE, login);
      const sql = 'SELECT name FROM customers ORDER BY id';
      const answer: unknown = JSON.parse(await client.callTool('mysql_query', { sql }));
      await client.close();

      assert.deepEqual(answer, [{ name: 'Ada' }, { name: 'Grace' }]);
      assert.equal(login.authorizationUrl?.origin, OBEX);
      const { iss, aud, scope } = readPayload(login.tokens()?.access_token);
      assert.deepEqual({ iss, aud, scope }, { iss: OBEX, aud: RESOURCE, scope: 'mcp:read' });
    });
  }

  it('has an IdP that offers no registration, at the address that a browser has for it', async () => {
    const metadata = parseObject(await (await fetch(`${IDP}/.well-known/openid-configuration`)).text());
    assert.equal(metadata['issuer'], IDP);
    assert.equal(metadata['registration_endpoint'], undefined);
  });

  it('keeps logins over a restart, on a volume that its user may write', async () => {
    const login = await logIn();
    await stack.compose('restart', 'obex-login');
    await untilReady(OBEX);

    const form = {
      grant_type: 'refresh_token',
      refresh_token: login.tokens()?.refresh_token ?? '',
      resource: RESOURCE,
    };
    const response = await fetch(`${OBEX}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams({ ...form, client_id: login.clientInformation()?.client_id ?? '' }),
    });
    const { access_token: token, ...rest } = parseObject(await response.text());

    assert.equal(response.status, 200, JSON.stringify(rest));
    assert.equal((await postMessage(RESOURCE, String(token))).status, 200);
  });

  it('publishes itself and, on loopback, the IdP', async () => {
    const ports = await docker(['port', await stack.containerOf('plain-idp')]);
    assert.deepEqual(ports.split('\n').toSorted(), ['8443/tcp -> 127.0.0.1:8445', '9001/tcp -> 127.0.0.1:9001']);
  });
});

/** RFC 7515 §3.1; what Obex accepts needs no second check here. */
function readPayload(token = ''): Record<string, unknown> {
  return parseObject(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}
