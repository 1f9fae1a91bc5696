/** A client id → what oidc-provider is told of the client, as its adapter would have stored it. RFC 7591 §2. */
import { JWT_BEARER } from '../assertions/names.ts';
import type { StaticClient } from '../options.ts';
import type { ClientIds } from './client-id.ts';
import { isLoopbackHttps, isRedirectUri, type RedirectPolicy } from './redirect-uris.ts';

export interface FindClientOptions {
  readonly staticClients: readonly StaticClient[];
  /** Undefined: no client can be registered, and none is that was. */
  readonly clientIds: ClientIds | undefined;
  readonly policy: RedirectPolicy;
  /** Configured clients that may come with identity assertions. */
  readonly assertionClients?: ReadonlySet<string>;
}

/** Without `scope`, which would bound what the client may be granted later. The lists are the caller's own. */
export type ClientMetadata = {
  client_id: string;
  client_secret?: string;
  client_name?: string;
  redirect_uris: string[];
  application_type: 'native' | 'web';
  token_endpoint_auth_method: 'none' | 'client_secret_basic';
  grant_types: string[];
  response_types: 'code'[];
};

/** Undefined: no such client, or none of its redirect URIs is allowed any more. */
export type FindClient = (clientId: string) => ClientMetadata | undefined;

/** Configured clients come first; they may use every redirect URI that they are configured with. */
export function createFindClient(options: FindClientOptions): FindClient {
  const { staticClients, clientIds, policy, assertionClients } = options;
  const configured = new Map(staticClients.map((client) => [client.clientId, client]));
  return (clientId) => {
    const client = configured.get(clientId);
    if (client !== undefined) return allowAssertions(describeStatic(client), assertionClients);
    const registered = clientIds?.open(clientId);
    if (registered === undefined) return undefined;
    // The list may have become shorter since.
    const redirectUris = registered.redirectUris.filter((uri) => policy.isAllowed(uri));
    return describeClient({ clientId, clientSecret: undefined, redirectUris, name: registered.name });
  };
}

/** Draft ID-JAG §8.1: for confidential clients. */
function allowAssertions(
  metadata: ClientMetadata | undefined,
  clients: ReadonlySet<string> | undefined,
): ClientMetadata | undefined {
  if (metadata?.client_secret === undefined || clients?.has(metadata.client_id) !== true) return metadata;
  return { ...metadata, grant_types: [...metadata.grant_types, JWT_BEARER] };
}

/** A site on https://localhost is no native client to oidc-provider, and a web one may have http and https alone. */
function describeStatic(client: StaticClient): ClientMetadata | undefined {
  const redirectUris = client.redirectUris.filter(isRedirectUri);
  if (!redirectUris.some(isLoopbackHttps)) return describeClient({ ...client, redirectUris });
  const metadata = describeClient({ ...client, redirectUris: redirectUris.filter((uri) => /^https?:/i.test(uri)) });
  return metadata && { ...metadata, application_type: 'web' };
}

/** Undefined when it has nowhere to go. */
export function describeClient({
  clientId,
  clientSecret,
  redirectUris,
  name,
}: StaticClient): ClientMetadata | undefined {
  if (redirectUris.length === 0) return undefined;
  return {
    client_id: clientId,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(name !== undefined && { client_name: name }),
    redirect_uris: [...redirectUris],
    // RFC 8252 §7.3: to a web client the port of a loopback address would be fixed.
    application_type: 'native',
    // oidc-provider takes client_secret_post as well from who has client_secret_basic.
    token_endpoint_auth_method: clientSecret === undefined ? 'none' : 'client_secret_basic',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
}
