/** Protected Resource Metadata: where clients learn which authorization server to ask. RFC 9728 §2, §3.1. */

export interface ProtectedResourceMetadata {
  /** `resource.url` as configured, byte for byte (RFC 9728 §3.3: clients compare it). */
  readonly resource: string;
  /** Issuer identifiers, primary first; empty in phase 1. */
  readonly authorizationServers: readonly string[];
  readonly scopesSupported: readonly string[];
  /** Present when proofs are verified. */
  readonly dpop?: { readonly algorithms: readonly string[]; readonly required: boolean };
  /** Tokens may be bound to a client certificate (RFC 8705 §3), and one can reach Obex. */
  readonly certificateBound: boolean;
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/**
 * The two paths at which the document is served: the root one, and the one that RFC 9728 §3.1 derives from the resource's
 * path. They are the same for a resource without a path. `resourceUrl` is an absolute URL.
 */
export function metadataPaths(resourceUrl: string): { readonly root: string; readonly withSuffix: string } {
  const { pathname } = new URL(resourceUrl);
  // §3.1: a slash that merely ends the host is removed, one that ends a path is not
  return { root: WELL_KNOWN, withSuffix: pathname === '/' ? WELL_KNOWN : WELL_KNOWN + pathname };
}

/** Writes the document. Empty lists are left out (§3.2); `offline_access` is between client and issuer, never listed. */
export function formatProtectedResourceMetadata(metadata: ProtectedResourceMetadata): string {
  const { resource, dpop } = metadata;
  return JSON.stringify({
    resource,
    authorization_servers: unlessEmpty(metadata.authorizationServers),
    scopes_supported: unlessEmpty(metadata.scopesSupported.filter((scope) => scope !== 'offline_access')),
    bearer_methods_supported: ['header'],
    tls_client_certificate_bound_access_tokens: metadata.certificateBound ? true : undefined,
    dpop_signing_alg_values_supported: dpop && unlessEmpty(dpop.algorithms),
    dpop_bound_access_tokens_required: dpop?.required === true ? true : undefined,
    obex_extensions: { elicitation_supported: false },
  });
}

function unlessEmpty(list: readonly string[]): readonly string[] | undefined {
  return list.length === 0 ? undefined : list;
}
