/** What `obex demo` prints while it is up: where everything is, and lines that work when pasted. */

import type { LoginStage } from './login-stage.ts';
import { CALL_WHOAMI, TOOLS_LIST } from './plain-request.ts';
import { REQUIRED_SCOPE, type Stage } from './stage.ts';

const TOKEN_LIFETIME_SECONDS = 3600;

/** The text for a running stage, with a live token in it. */
export async function composeGuide(stage: Stage, loginStage: LoginStage): Promise<string> {
  const expiresAt = new Date(Date.now() + TOKEN_LIFETIME_SECONDS * 1000);
  const accessToken = await stage.idp.issueToken({ scope: REQUIRED_SCOPE, expiresIn: TOKEN_LIFETIME_SECONDS });
  return formatGuide(stage, loginStage, { accessToken, expiresAt });
}

function formatGuide(
  stage: Stage,
  loginStage: LoginStage,
  { accessToken, expiresAt }: { readonly accessToken: string; readonly expiresAt: Date },
): string {
  const { resource } = stage;
  const metadataUrl = new URL(`/.well-known/oauth-protected-resource${new URL(resource).pathname}`, resource).href;
  const post = `curl -s ${resource} -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream'`;
  return `Obex protects an MCP server on this machine. Everything is on loopback and gone after Ctrl-C.

  MCP endpoint   ${resource}   ← Obex; this is the URL that clients use
  MCP server     ${stage.mcpServer.url}   ← what Obex protects
  IdP            ${stage.idp.issuer}   ← issues the tokens; logs everyone in as the demo user

This is the whole configuration of Obex:

${indent(stage.yaml)}
Try it. Without a token: 401, and the challenge says where to go.

  curl -i -X POST ${resource}
  curl -s ${metadataUrl}

With a token (this one is live until ${formatTime(expiresAt)}):

  TOKEN=${accessToken}

  ${post} -H "Authorization: Bearer $TOKEN" -d '${TOOLS_LIST}'

  ${post} -H "Authorization: Bearer $TOKEN" -d '${CALL_WHOAMI}'

It is a plain bearer token, which passes without a DPoP proof unless the configuration says dpop.required: true.

With a real MCP client: it finds the IdP by itself and opens a browser to log in.

  Claude Code      claude mcp add --transport http obex-demo ${resource}
                   then /mcp inside Claude Code, to log in
  VS Code          .vscode/mcp.json: {"servers":{"obex-demo":{"type":"http","url":"${resource}"}}}
  MCP Inspector    npx @modelcontextprotocol/inspector     (needs Node 22.19 or newer)
                   transport "Streamable HTTP", URL ${resource}

A second Obex, for an IdP that registers no clients, as most do not. Clients register at Obex, people agree on a page of Obex
and log in at that IdP, and Obex issues the tokens:

  MCP endpoint   ${loginStage.resource}
  IdP            ${loginStage.idp.issuer}   ← knows one client, which is Obex

${indent(loginStage.yaml)}
  Claude Code      claude mcp add --transport http obex-login ${loginStage.resource}

Ctrl-C ends the demo. Obex's log:
`;
}

/** `17:05:02 CEST`: whoever reads it may sit in another timezone than the machine. */
function formatTime(time: Date): string {
  return time.toLocaleTimeString('en-GB', { timeStyle: 'long' });
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
