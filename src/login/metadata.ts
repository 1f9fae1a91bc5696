/** What clients are told of this authorization server. RFC 8414 §2, OpenID Connect Discovery §3, RFC 9207 §3. */
import { ID_JAG_PROFILE, JWT_BEARER } from './assertions/names.ts';
import type { LoginOptions } from './options.ts';
import { PATHS } from './paths.ts';
import { scopesOfAll } from './resources.ts';

/**
 * The same document at both well-known places: some clients parse it as OpenID Connect and want its members.
 * `takesDocuments`: client ids may be URLs of documents; then clients that can, use nothing else.
 */
export function formatMetadata(options: LoginOptions, takesDocuments: boolean): string {
  const { issuer, resources, clients, dpopAlgorithms } = options;
  const hasAssertions = options.identityAssertions.length > 0;
  return JSON.stringify({
    issuer,
    authorization_endpoint: issuer + PATHS.authorize,
    token_endpoint: issuer + PATHS.token,
    jwks_uri: issuer + PATHS.jwks,
    ...(clients.dynamicRegistration && { registration_endpoint: issuer + PATHS.register }),
    ...(takesDocuments && { client_id_metadata_document_supported: true }),
    revocation_endpoint: issuer + PATHS.revoke,
    scopes_supported: scopesOfAll(resources),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token', ...(hasAssertions ? [JWT_BEARER] : [])],
    // Draft ID-JAG §7.2, §8.4: the profile is told, and nothing of whose assertions they are.
    ...(hasAssertions && { authorization_grant_profiles_supported: [ID_JAG_PROFILE] }),
    token_endpoint_auth_methods_supported: AUTH_METHODS,
    revocation_endpoint_auth_methods_supported: AUTH_METHODS,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    ...(dpopAlgorithms !== undefined && { dpop_signing_alg_values_supported: dpopAlgorithms }),
    // There are no ID tokens; parsers of OpenID Connect want to read of them.
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
  });
}

const AUTH_METHODS = ['none', 'client_secret_basic', 'client_secret_post'];
