/** What a client hears that takes a resource server for its authorization server. MCP 2025-03-26, RFC 7591 §3.2.2. */
import { type Denial, deny } from './denial.ts';

/** MCP 2025-03-26, "Fallbacks for Servers without Metadata Discovery": where clients go that found no metadata. */
export function asksForAuthorization(method: string, path: string): boolean {
  if (method === 'POST') return path === '/register' || path === '/token';
  return method === 'GET' && path === '/authorize';
}

/** Clients show the description to their user, who otherwise reads "404" and nothing of where the login is. */
export function denyAuthorization(authorizationServers: readonly string[], resourceMetadataUrl: URL): Denial {
  const login =
    authorizationServers.length === 0
      ? ''
      : `: log in at ${authorizationServers.join(' or ')}, the authorization_servers of ${resourceMetadataUrl.href}`;
  return { ...deny('no_authorization_server'), description: `no authorization server here${login}` };
}
