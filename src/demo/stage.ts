/** The three parties of the demo on loopback: a development IdP, an MCP server, and Obex between it and the clients. */

import type { DevelopmentIdentityProvider } from './identity-provider.ts';
import { startDevelopmentIdentityProvider } from './identity-provider.ts';
import type { DemoMcpServer } from './mcp-server.ts';
import { startDemoMcpServer } from './mcp-server.ts';
import type { Pause } from './tools.ts';

/** Starts Obex with a configuration given as YAML; `commands/demo` brings it, so that the demo stays a client of Obex. */
export type StartObex = (yaml: string) => Promise<{ stop(): Promise<void> }>;

export interface StageOptions {
  readonly startObex: StartObex;
  /** Obex's port. */
  readonly port: number;
  readonly pause?: Pause;
}

export interface Stage {
  /** What clients type: the MCP endpoint behind Obex. */
  readonly resource: string;
  /** The configuration that Obex was started with. */
  readonly yaml: string;
  readonly idp: DevelopmentIdentityProvider;
  readonly mcpServer: DemoMcpServer;
  stop(): Promise<void>;
}

export const REQUIRED_SCOPE = 'demo:use';

/** A scope that the IdP grants as well, but that opens nothing here. */
export const OTHER_SCOPE = 'demo:other';

/** Starts all three, Obex last; what has started is stopped when a later one fails. */
export async function startStage(options: StageOptions): Promise<Stage> {
  await using started = new AsyncDisposableStack();
  const publicUrl = `http://localhost:${options.port}`;
  const resource = `${publicUrl}/mcp`;

  const idp = await startDevelopmentIdentityProvider({
    resource,
    scopes: [REQUIRED_SCOPE, OTHER_SCOPE],
  });
  started.defer(() => idp.stop());
  const mcpServer = await startDemoMcpServer(options.pause ? { pause: options.pause } : {});
  started.defer(() => mcpServer.stop());

  const yaml = formatConfig(publicUrl, options.port, { idp, mcpServer });
  const obex = await options.startObex(yaml);
  started.defer(() => obex.stop());

  const running = started.move();
  return { resource, yaml, idp, mcpServer, stop: () => running.disposeAsync() };
}

function formatConfig(publicUrl: string, port: number, peers: Pick<Stage, 'idp' | 'mcpServer'>): string {
  return `obex:
  public_url: "${publicUrl}"
  listen: "127.0.0.1:${port}"
backend:
  url: "${new URL(peers.mcpServer.url).origin}"
resource:
  url: "${publicUrl}/mcp"
  scopes_supported: ["${REQUIRED_SCOPE}"]
idp:
  issuer: "${peers.idp.issuer}"
authz:
  required_scopes: ["${REQUIRED_SCOPE}"]
dpop:
  enabled: true
`;
}
