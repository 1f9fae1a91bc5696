/** Obex's config for a test of phase 2 with one IdP: any free port, a public URL that nobody connects to. */

export const RESOURCE = 'https://tool.example/mcp';
export const SCOPE = 'mcp:tools';

export interface Phase2ConfigOptions {
  readonly backendPort: number;
  /** As YAML values, so that `${VAR}` may stand in them. */
  readonly backendHeaders?: Readonly<Record<string, string>>;
  readonly idp: { readonly issuer: string; readonly jwksUri: string };
}

/** YAML for the resource `RESOURCE`, where `SCOPE` is required. */
export function formatPhase2Config({ backendPort, backendHeaders = {}, idp }: Phase2ConfigOptions): string {
  return `obex:
  public_url: "https://tool.example"
  listen: "127.0.0.1:0"
backend:
  url: "http://127.0.0.1:${backendPort}"
  headers: ${JSON.stringify(backendHeaders)}
resource:
  url: "${RESOURCE}"
idp:
  issuer: "${idp.issuer}"
  jwks_uri: "${idp.jwksUri}"
authz:
  required_scopes: ["${SCOPE}"]
`;
}
