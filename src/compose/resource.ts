/** Config → what one server says of itself: its metadata, its challenges, where its logins are. RFC 9728, RFC 6750 §3. */
import { type Challenges, createChallenges } from '../oauth/challenge.ts';
import type { Denial } from '../oauth/denial.ts';
import { isIssuerIdentifier } from '../oauth/issuer-metadata.ts';
import { denyAuthorization } from '../oauth/no-authorization-server.ts';
import { formatProtectedResourceMetadata, metadataPaths } from '../oauth/protected-resource-metadata.ts';
import type { Endpoint, Endpoints } from '../server/endpoint.ts';
import { createMetadataEndpoint } from '../server/endpoints/metadata.ts';
import type { CommonConfig, ServerOptions } from './options.ts';
import { challengeScopes, metadataScopes } from './scopes.ts';

/** `hasDpop`: proofs are verified. */
export function buildChallenges(options: ServerOptions, hasDpop: boolean): Challenges {
  return createChallenges({
    resourceMetadataUrl: locateMetadata(options),
    requiredScopes: challengeScopes(options.own),
    ...(hasDpop && { dpopAlgorithms: options.config.dpop.algorithms }),
  });
}

/** `hasDpop`: proofs are verified. */
export function buildMetadata(options: ServerOptions, hasDpop: boolean): Endpoints {
  const { config, own, isAlone } = options;
  const { algorithms, required } = config.dpop;
  const respond = createMetadataEndpoint(
    formatProtectedResourceMetadata({
      resource: own.resource.url,
      authorizationServers: authorizationServers(options),
      scopesSupported: metadataScopes(own),
      certificateBound: config.idp !== undefined && takesCertificates(config),
      ...(hasDpop && { dpop: { algorithms, required } }),
    }),
  );
  const metadata: Endpoint = { respond, isPublic: true, isVital: false, isQuiet: false };
  const { root, withSuffix } = metadataPaths(own.resource.url);
  // Of several none is the one that is meant.
  return isAlone
    ? [
        [root, metadata],
        [withSuffix, metadata],
      ]
    : [[withSuffix, metadata]];
}

/** Undefined in phase 1, where the backend may well be the place. */
export function buildNoAuthorizationServer(options: ServerOptions): Denial | undefined {
  return options.config.idp && denyAuthorization(authorizationServers(options), locateMetadata(options));
}

/** Whether a client can show a certificate at all. */
function takesCertificates({ obex }: CommonConfig): boolean {
  return obex.tls.client_auth !== 'off' || obex.client_cert_header;
}

/** Where the metadata with the path suffix is, as clients reach it. */
export function locateMetadata({ config, own }: ServerOptions): URL {
  const base = own.name === undefined ? config.obex.public_url : own.resource.url;
  return new URL(metadataPaths(own.resource.url).withSuffix, base);
}

/** Whom clients are sent to for a login: unless others are named the trusted issuers, as far as they are a place to go to. */
function authorizationServers({ config: { idp }, own: { resource } }: ServerOptions): readonly string[] {
  if (resource.authorization_servers.length > 0) return resource.authorization_servers;
  if (idp === undefined) return [];
  const issuers = [idp, ...idp.additional_issuers].map(({ issuer }) => issuer);
  return issuers.filter((issuer) => isIssuerIdentifier(issuer, idp.dangerously_allow_http));
}
