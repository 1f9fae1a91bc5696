/** The story at the second Obex: a login although the IdP registers no clients, and a refresh that asks the IdP. RFC 7591, RFC 6749 §6. */
import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';
import { BrowserlessLogin } from './browserless-login.ts';
import { firstText } from './client-steps.ts';
import { DEMO_USER } from './login-page.ts';
import { fetchMetadata } from './plain-request.ts';
import type { Scene, Step } from './step.ts';

export const LOGIN_STEPS: readonly Step[] = [
  {
    title: 'A second Obex, whose IdP registers no clients: the same client logs in through Obex, from the URL alone',
    play: playLogin,
  },
];

async function playLogin({ loginStage: { resource, issuer, idp } }: Scene): Promise<readonly string[]> {
  const { registration_endpoint: registration } = await fetchMetadata(`${idp.issuer}/.well-known/openid-configuration`);
  assert.equal(registration, undefined, 'the IdP registers clients');

  const login = new BrowserlessLogin('obex demo --once');
  const client = new Client({ name: 'obex-demo-client', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } });
  const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: login });
  await assert.rejects(client.connect(transport), UnauthorizedError);
  await transport.finishAuth(login.callback);
  await client.connect(new StreamableHTTPClientTransport(new URL(resource), { authProvider: login }));
  const lines = firstText(await client.callTool({ name: 'whoami' })).split('\n');
  await client.close();
  assert.ok(lines.includes(`x-obex-user: ${DEMO_USER}`));
  assert.ok(lines.includes(`x-obex-issuer: ${issuer}`));

  await refresh(issuer, login);
  assert.deepEqual(idp.grantTypes, ['authorization_code', 'refresh_token']);
  return [
    `registered and agreed to at ${login.authorizationUrl?.origin}, logged in at ${idp.issuer} as ${DEMO_USER}`,
    'the MCP server is told of the same person, with Obex as the issuer',
    'a refresh at Obex was a refresh at the IdP first: whoever is gone there is gone here',
  ];
}

async function refresh(issuer: string, login: BrowserlessLogin): Promise<void> {
  const response = await fetch(`${issuer}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: login.tokens()?.refresh_token ?? '',
      client_id: login.clientInformation()?.client_id ?? '',
    }),
    signal: AbortSignal.timeout(10_000),
  });
  assert.equal(response.status, 200, await response.text());
}
