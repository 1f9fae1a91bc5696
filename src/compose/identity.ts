/** Config → what the backend is told of a token: claims in header fields, assertions and the keys that verify them. */
import { EventCap } from '../lib/event-cap.ts';
import { writeUrl } from '../lib/written-url.ts';
import type { AssertionTerms } from '../oauth/assertion.ts';
import { formatKeySets, type PublishedKeys, publishKeys } from '../oauth/key-set.ts';
import { parseSigningKey } from '../oauth/signing-key.ts';
import { clipEvidence } from '../observe/access-line.ts';
import type { Observers } from '../observe/observers.ts';
import { compileClaimHeaders } from '../proxy/claim-headers.ts';
import { createIdentify, createRenew, type Identify, type Renew } from '../proxy/identify.ts';
import type { Endpoints } from '../server/endpoint.ts';
import { createKeySetEndpoint } from '../server/endpoints/key-set.ts';
import type { AssertionKey, RuntimeFiles } from './files.ts';
import type { ComposeOptions, ServerOptions } from './options.ts';

/** What assertions add. */
export interface AssertionParts {
  readonly terms: AssertionTerms;
  readonly published: PublishedKeys;
}

export interface IdentityParts {
  readonly identify: Identify;
  /** Both undefined where no assertion is sent. */
  readonly renew: Renew | undefined;
  readonly assertions: AssertionParts | undefined;
}

const KEY_SET_PATH = '/.well-known/obex-jwks.json';

/** `previous` is what the server had until now. */
export function buildIdentity(
  options: ServerOptions,
  file: AssertionKey | undefined,
  previous: AssertionParts | undefined,
): IdentityParts {
  const assertions = buildAssertions(options, file, previous);
  const identify = createIdentify({
    claimHeaders: compileClaimHeaders(options.own.backend.claim_headers),
    assertions: assertions?.terms,
    onWithheld: createReport(options.observers, options.own.name),
  });
  return { identify, renew: assertions && createRenew(assertions.terms), assertions };
}

/** The keys of all servers that send assertions; none where none does. */
export function buildKeySet({ observers }: ComposeOptions, all: readonly (AssertionParts | undefined)[]): Endpoints {
  const published = all.flatMap((assertions) => (assertions === undefined ? [] : [assertions.published]));
  if (published.length === 0) return [];
  const endpoint = createKeySetEndpoint(() => formatKeySets(published, observers.clock.monotonicMs()));
  return [[KEY_SET_PATH, endpoint]];
}

function buildAssertions(
  { config: { obex, idp }, own: { backend }, observers }: ServerOptions,
  file: AssertionKey | undefined,
  before: AssertionParts | undefined,
): AssertionParts | undefined {
  if (file === undefined) return undefined;
  const { audience, ttl: ttlMs } = backend.assertion;
  const key = parseChecked(file.pem);
  const terms = {
    issuer: obex.public_url.origin,
    audience: audience === '' ? writeUrl(backend.url).replace(/\/$/, '') : audience,
    ttlMs,
    key,
  };
  const keepMs = (before?.terms.ttlMs ?? 0) + (idp?.clock_skew ?? 0);
  const published = publishKeys(key, before?.published, { nowMs: observers.clock.monotonicMs(), keepMs });
  return { terms, published };
}

function parseChecked(pem: string) {
  const key = parseSigningKey(pem);
  if (typeof key === 'string') throw new TypeError(`a key that was read before ${key}`);
  return key;
}

/** Where no token is remembered, each request tells the same. */
const MOST_EVENTS = 10;
const PERIOD_MS = 60_000;

function createReport(
  { log, clock }: Observers,
  server: string | undefined,
): Parameters<typeof createIdentify>[0]['onWithheld'] {
  const cap = new EventCap(MOST_EVENTS, PERIOD_MS);
  return (withheld, { issuer, client, subject }) => {
    if (cap.isExceeded(clock.monotonicMs())) return;
    log.warn('fields_withheld', {
      server,
      issuer: clipEvidence(issuer),
      oauth_client: clipEvidence(client),
      subject: clipEvidence(subject),
      fields: Object.fromEntries(withheld.map(({ field, reason }) => [field, reason])),
    });
  };
}

/** Says in the log which key signs, whenever it is another one, and what was made for want of a configured secret. */
export function tellKeys(
  { config, observers: { log } }: Pick<ComposeOptions, 'config' | 'observers'>,
  files: RuntimeFiles,
  before: RuntimeFiles | undefined,
): void {
  for (const { name, assertionKey } of files.servers) {
    const known = before?.servers.find((one) => one.name === name)?.assertionKey;
    if (assertionKey === undefined || assertionKey.pem === known?.pem) continue;
    const { kid, alg } = parseChecked(assertionKey.pem);
    log.info('assertion_key', { server: name, kid, alg, made_at_start: assertionKey.isMade });
  }
  const { dpop, obex } = config;
  const needsSecret = dpop.enabled && dpop.nonce === 'required' && dpop.nonce_secret === undefined;
  if (before === undefined && needsSecret && obex.secret === undefined) {
    log.info('secret_made_at_start', { key: 'obex.secret', used_for: 'dpop nonces' });
  }
}
