/** Login and consent of the development IdP: one page with one button, for one user. OpenID Connect Core §3.1.2.3, §3.1.2.4. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import { z } from 'zod';

/** Where the provider sends a browser that has to log in; the interaction's id follows. */
export const LOGIN_PATH = '/login/';

export const DEMO_USER = 'demo-user';

/** The parameters of an authorization request that matter here, as the provider has checked them. */
const AuthorizationRequest = z.object({
  client_id: z.string(),
  scope: z.string().default(''),
  // RFC 8707 §2: the parameter may occur several times.
  resource: z.union([z.string().transform((resource) => [resource]), z.array(z.string())]).default([]),
});

type AuthorizationRequest = z.infer<typeof AuthorizationRequest>;

/** Shows the page on GET; on POST logs the demo user in, grants what was asked for and goes on with the flow. */
export async function respondLogin(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const interaction = await provider.interactionDetails(request, response);
  const asked = AuthorizationRequest.parse(interaction.params);
  if (request.method === 'POST') {
    const grantId = await saveGrant(provider, asked);
    await provider.interactionFinished(request, response, { login: { accountId: DEMO_USER }, consent: { grantId } });
    return;
  }
  const client = await provider.Client.find(asked.client_id);
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(renderPage(client?.clientName ?? asked.client_id, asked));
}

async function saveGrant(provider: Provider, asked: AuthorizationRequest): Promise<string> {
  const grant = new provider.Grant({ accountId: DEMO_USER, clientId: asked.client_id });
  grant.addOIDCScope(asked.scope);
  for (const resource of asked.resource) grant.addResourceScope(resource, asked.scope);
  return grant.save();
}

function renderPage(clientName: string, asked: AuthorizationRequest): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Obex demo: log in</title>
<style>body{font:18px/1.5 system-ui,sans-serif;max-width:34em;margin:4em auto;padding:0 1em}button{font:inherit;padding:.4em 1.2em}</style>
<h1>Development login</h1>
<p><strong>${escapeHtml(clientName)}</strong> asks for ${asked.resource.map((resource) => `access to <code>${escapeHtml(resource)}</code> with `).join('')}the scopes <code>${escapeHtml(asked.scope)}</code>.</p>
<form method="post"><button autofocus>Allow, as ${DEMO_USER}</button></form>
</html>
`;
}

function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
