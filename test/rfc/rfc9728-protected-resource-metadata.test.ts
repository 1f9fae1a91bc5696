/** The metadata document and where it stands. RFC 9728 §2, §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatProtectedResourceMetadata, metadataPaths } from '../../src/oauth/protected-resource-metadata.ts';

const ROOT = '/.well-known/oauth-protected-resource';

describe('RFC 9728 §3.1', () => {
  const paths: readonly [string, string][] = [
    ['https://a.example/mcp', `${ROOT}/mcp`],
    ['https://a.example/mcp/', `${ROOT}/mcp/`],
    ['https://a.example:8443/a/b', `${ROOT}/a/b`],
    ['https://a.example', ROOT],
    ['https://a.example/', ROOT],
    ['https://a.example/mcp?tenant=1', `${ROOT}/mcp`],
    ['https://a.example/b%C3%A9', `${ROOT}/b%C3%A9`],
    ['https://a.example/bé', `${ROOT}/b%C3%A9`],
    ['http://localhost:3000/mcp', `${ROOT}/mcp`],
  ];
  for (const [resource, withSuffix] of paths) {
    it(`puts the document of ${resource} at ${withSuffix}`, () =>
      assert.deepEqual(metadataPaths(resource), { root: ROOT, withSuffix }));
  }
});

describe('RFC 9728 §2', () => {
  const resource = 'https://A.example:443/mcp';
  const nothing = { resource, authorizationServers: [], scopesSupported: [], certificateBound: false };
  const format = (override: Partial<Parameters<typeof formatProtectedResourceMetadata>[0]>): unknown =>
    JSON.parse(formatProtectedResourceMetadata({ ...nothing, ...override }));

  it('leaves empty lists out (§3.2) and keeps resource byte for byte (§3.3)', () => {
    assert.deepEqual(format({}), {
      resource,
      bearer_methods_supported: ['header'],
      obex_extensions: { elicitation_supported: false },
    });
  });

  it('lists issuers and scopes in the order given, never offline_access', () => {
    const authorizationServers = ['https://b.example/', 'https://a.example'];
    assert.deepEqual(format({ authorizationServers, scopesSupported: ['write', 'offline_access', 'read'] }), {
      resource,
      authorization_servers: authorizationServers,
      scopes_supported: ['write', 'read'],
      bearer_methods_supported: ['header'],
      obex_extensions: { elicitation_supported: false },
    });
    assert.equal(Object.hasOwn(Object(format({ scopesSupported: ['offline_access'] })), 'scopes_supported'), false);
  });

  it('tls_client_certificate_bound_access_tokens: "support for mutual-TLS client certificate-bound access tokens"', () => {
    assert.deepEqual(format({ certificateBound: true }), {
      resource,
      bearer_methods_supported: ['header'],
      tls_client_certificate_bound_access_tokens: true,
      obex_extensions: { elicitation_supported: false },
    });
  });

  for (const required of [false, true]) {
    it(`tells DPoP algorithms as published, ${required ? 'and' : 'and not'} that proofs are required`, () => {
      assert.deepEqual(format({ dpop: { algorithms: ['RS256', 'ES256'], required } }), {
        resource,
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: ['RS256', 'ES256'],
        ...(required ? { dpop_bound_access_tokens_required: true } : {}),
        obex_extensions: { elicitation_supported: false },
      });
    });
  }
});
