/** The official MCP clients log in through Obex, before an IdP that registers nobody, from the URL alone. MCP 2025-11-25 and 2026-07-28, Authorization. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DEMO_USER } from '../../../src/demo/login-page.ts';
import { type LoginStage, startLoginStage } from '../../../src/demo/login-stage.ts';
import { type DemoMcpServer, startDemoMcpServer } from '../../../src/demo/mcp-server.ts';
import { REQUIRED_SCOPE } from '../../../src/demo/stage.ts';
import { freePort } from '../../support/free-port.ts';
import { type ConnectClient, connectV1, connectV2, connectV2Modern } from '../../support/mcp-clients.ts';
import { startObexProcess } from '../../support/obex-process.ts';
import { PROCESS_ENV } from '../../support/transport.ts';

const PEERS: readonly (readonly [string, ConnectClient])[] = [
  ['@modelcontextprotocol/sdk 1.x', connectV1],
  ['@modelcontextprotocol/client 2.x', connectV2],
  ['@modelcontextprotocol/client 2.x, 2026-07-28', connectV2Modern],
];

let mcpServer: DemoMcpServer;
let stage: LoginStage;

before(async () => {
  mcpServer = await startDemoMcpServer();
  stage = await startLoginStage(
    { mcpServer },
    { startObex: (yaml) => startObexProcess({ config: yaml, env: PROCESS_ENV }), port: await freePort() },
  );
});

after(async () => {
  await stage.stop();
  await mcpServer.stop();
});

for (const [name, connect] of PEERS) {
  describe(name, () => {
    it('registers and logs in at Obex from the 401 alone, calls a tool, and refreshes', async () => {
      const client = await connect(stage.resource);
      const exchanges = client.exchanges.map(
        ({ method, url, status }) => `${method} ${url.split('?', 1)[0]} ${status}`,
      );
      assert.deepEqual(exchanges.slice(0, 5), [
        `POST ${stage.resource} 401`,
        `GET ${stage.issuer}/.well-known/oauth-protected-resource/mcp 200`,
        `GET ${stage.issuer}/.well-known/oauth-authorization-server 200`,
        `POST ${stage.issuer}/oauth/register 201`,
        `POST ${stage.issuer}/oauth/token 200`,
      ]);
      assert.equal(client.login.tokens()?.scope, REQUIRED_SCOPE);

      const { client_id: clientId = '' } = client.login.clientInformation() ?? {};
      const told = (await client.callTool('whoami', {})).split('\n');
      assert.deepEqual(
        told.filter((line) => !line.startsWith('x-obex-request-id: ')),
        [
          `x-obex-client: ${clientId}`,
          `x-obex-issuer: ${stage.issuer}`,
          `x-obex-scopes: ${REQUIRED_SCOPE}`,
          `x-obex-user: ${DEMO_USER}`,
        ],
      );
      await client.close();

      const asked = stage.idp.grantTypes.length;
      const refreshed = await fetch(`${stage.issuer}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: client.login.tokens()?.refresh_token ?? '',
          client_id: clientId,
        }),
      });
      assert.equal(refreshed.status, 200, await refreshed.text());
      assert.deepEqual(stage.idp.grantTypes.slice(asked), ['refresh_token']);
    });
  });
}
