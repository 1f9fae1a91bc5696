/** Options of the authorization server for tests that look at something else. */
import type { LoginOptions } from '../../src/login/options.ts';

export function loginOptions(): LoginOptions {
  return {
    issuer: 'https://tool.example',
    resources: [{ resource: 'https://tool.example/mcp', scopesSupported: ['mcp:read'], requiredScopes: [] }],
    upstream: {
      provider: 'oidc',
      issuer: 'https://idp.example',
      clientId: 'obex',
      clientSecret: 'secret',
      privateKey: undefined,
      scopes: ['openid'],
      groupsClaim: 'groups',
      ca: undefined,
      allowHttp: false,
    },
    allow: { everyone: true, emails: [], emailDomains: [], groups: [], subjects: [] },
    scopeGrants: [],
    accessTokenTtlMs: 900_000,
    refreshTokenTtlMs: 3_600_000,
    sessionTtlMs: 3_600_000,
    rateLimit: { beginnings: 60, pages: 240, refreshes: 60 },
    clients: { dynamicRegistration: true, metadataDocuments: 'off', redirectUris: ['loopback'], static: [] },
    identityAssertions: [],
    store: { backend: 'memory' },
    secret: 's'.repeat(40),
    dpopAlgorithms: undefined,
    title: 'tool.example',
    logo: undefined,
  };
}
