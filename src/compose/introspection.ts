/** Config → the issuer that is asked about tokens, and on what terms. RFC 7662. */
import type { IntrospectionTerms } from '../gate/introspect-access-token.ts';
import type { TrustedIssuer } from '../gate/verify-access-token.ts';
import type { Observers } from '../observe/observers.ts';
import { fetchJson, postForm } from '../state/fetch-json.ts';
import { IntrospectionEndpoint, type IntrospectionSource } from '../state/introspection-endpoint.ts';
import type { Issuer } from './issuers.ts';
import type { CommonConfig, ComposeOptions } from './options.ts';

/** Without what depends on the server. */
export interface IntrospectionParts extends Omit<IntrospectionTerms, 'trusted'> {
  /** The one that is asked. */
  readonly issuer: Issuer;
  readonly endpoint: IntrospectionEndpoint;
}

const LIMITS = { timeoutMs: 5_000, maxBytes: 64 * 1024 };

/** Undefined where nobody is asked. An endpoint that stays is kept over a reload: it may be failing just now. */
export function buildIntrospection(
  { config, observers }: ComposeOptions,
  issuers: readonly Issuer[],
  previous: IntrospectionParts | undefined,
): IntrospectionParts | undefined {
  const found = findIntrospection(config, issuers);
  if (found === undefined) return undefined;
  const { issuer, section, key } = found;
  const source: IntrospectionSource = {
    issuer: issuer.issuer,
    endpoint: section.endpoint,
    allowHttp: issuer.jwks.source.allowHttp,
    ca: issuer.jwks.source.ca,
    clientId: section.client_id,
    clientSecret: section.client_secret,
    key,
  };
  const before = previous?.endpoint;
  return {
    issuer,
    endpoint: before !== undefined && isSameSource(before.source, source) ? before : createEndpoint(source, observers),
    includesJwts: section.tokens === 'all',
    cacheTtlMs: section.cache_ttl,
  };
}

/** On the terms of one server; undefined where nobody is asked. */
export function introspectFor(
  trusted: readonly TrustedIssuer[],
  parts: IntrospectionParts | undefined,
): IntrospectionTerms | undefined {
  const asked = trusted.find(({ jwks }) => jwks === parts?.issuer.jwks);
  return parts && asked && { ...parts, trusted: asked };
}

function findIntrospection({ idp }: CommonConfig, issuers: readonly Issuer[]) {
  if (idp === undefined) return undefined;
  const entries = [{ ...idp, key: 'idp' }, ...idp.additional_issuers.map(withKey)];
  for (const [index, { introspection: section, key }] of entries.entries()) {
    const issuer = issuers[index];
    if (section !== undefined && issuer !== undefined) return { issuer, section, key: `${key}.introspection` };
  }
  return undefined;
}

function withKey<T>(entry: T, index: number) {
  return { ...entry, key: `idp.additional_issuers[${index}]` };
}

function isSameSource(one: IntrospectionSource, other: IntrospectionSource): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function createEndpoint(source: IntrospectionSource, observers: Observers): IntrospectionEndpoint {
  const { clock, log, metrics } = observers;
  const options = { ...LIMITS, ca: source.ca };
  const authorization = formatBasic(source);
  return new IntrospectionEndpoint(source, {
    clock,
    log,
    metrics: metrics.introspection,
    fetchJson: (url) => fetchJson(url, options),
    // RFC 7662 §2.1
    post: (url, token) => {
      const text = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString();
      return postForm(url, { authorization, text }, options);
    },
    random: Math.random,
  });
}

/** RFC 6749 §2.3.1: id and secret are form-urlencoded before they become what RFC 7617 takes. */
function formatBasic({ clientId, clientSecret }: IntrospectionSource): string {
  const pair = `${encodeForm(clientId)}:${encodeForm(clientSecret)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

function encodeForm(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
