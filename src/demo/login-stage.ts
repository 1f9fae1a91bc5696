/** A second Obex before the same MCP server: its IdP registers no clients, so people log in through Obex. */
import {
  DEMO_EMAIL_DOMAIN,
  type PlainIdentityProvider,
  startPlainIdentityProvider,
} from './plain-identity-provider.ts';
import { REQUIRED_SCOPE, type Stage, type StageOptions } from './stage.ts';

export interface LoginStage {
  /** What clients type. */
  readonly resource: string;
  /** Of the access tokens: Obex itself. */
  readonly issuer: string;
  /** The configuration that Obex was started with. */
  readonly yaml: string;
  readonly idp: PlainIdentityProvider;
  stop(): Promise<void>;
}

export async function startLoginStage(
  { mcpServer }: Pick<Stage, 'mcpServer'>,
  { startObex, port }: Pick<StageOptions, 'startObex' | 'port'>,
): Promise<LoginStage> {
  await using started = new AsyncDisposableStack();
  const issuer = `http://localhost:${port}`;
  const idp = await startPlainIdentityProvider(`${issuer}/oauth/callback`);
  started.defer(() => idp.stop());
  const yaml = formatConfig(port, { backend: new URL(mcpServer.url).origin, idp });
  const obex = await startObex(yaml);
  started.defer(() => obex.stop());
  const running = started.move();
  return { resource: `${issuer}/mcp`, issuer, yaml, idp, stop: () => running.disposeAsync() };
}

function formatConfig(port: number, peers: { readonly backend: string; readonly idp: PlainIdentityProvider }): string {
  return `obex:
  public_url: "http://localhost:${port}"
  listen: "127.0.0.1:${port}"
backend:
  url: "${peers.backend}"
resource:
  url: "http://localhost:${port}/mcp"
  scopes_supported: ["${REQUIRED_SCOPE}"]
authz:
  required_scopes: ["${REQUIRED_SCOPE}"]
login:
  issuer: "${peers.idp.issuer}"
  client_id: "${peers.idp.client.id}"
  client_secret: "${peers.idp.client.secret}"
  allow: { email_domains: ["${DEMO_EMAIL_DOMAIN}"] }
  clients: { metadata_documents: off }
`;
}
