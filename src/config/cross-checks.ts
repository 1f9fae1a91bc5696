/** What no value can tell by itself: rules between values and sections. RFC 9728 §3.3 (resource), RFC 8414 §2 (issuer). */
import type * as z from 'zod/mini';
import { isLoopbackHost } from '../lib/loopback.ts';
import { isSecureUrl } from '../lib/secure-url.ts';
import type { Draft } from './draft.ts';
import { formatListen, isLocalAddress, type ListenAddress } from './listen.ts';
import { formatPath, isRecord, type Path } from './path.ts';
import { Refused } from './refused.ts';
import { sections } from './schema.ts';
import { parseDiscoverableIssuer } from './urls.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const ANY_ADDRESS = ['0.0.0.0', '::'];

const { shape } = sections;
const obex = shape.obex.def.out.shape;
const idp = shape.idp.def.innerType.shape;
const introspection = idp.introspection.def.innerType.shape;
const dpop = shape.dpop.def.out.shape;

/** Reports broken rules. Looks at each value by itself, so that a mistake elsewhere hides none of them. */
export function crossCheck(draft: Draft): void {
  checkPhase(draft);
  checkIssuers(draft);
  checkStaleness(draft);
  checkDpop(draft);
  checkListeners(draft);
  checkCircle(draft);
}

/** The value at a path, parsed; undefined when it is absent, wrong or already at fault. */
function read<T>(draft: Draft, path: Path, schema: z.ZodMiniType<T>): T | undefined {
  if (draft.isAtFault(path)) return undefined;
  const result = schema.safeParse(draft.valueAt(path));
  return result.success ? result.data : undefined;
}

/** What only makes sense with tokens must not stand, and be ignored, in a config that authenticates nobody. */
function checkPhase(draft: Draft): void {
  // A misspelt idp has been reported.
  if (draft.valueAt(['idp']) !== undefined || draft.isAtFault(['idp'])) return;
  const cure = 'without idp Obex authenticates nobody; add idp with its issuer';
  for (const section of ['authz', 'dpop']) {
    if (draft.valueAt([section]) !== undefined) draft.report([section], `needs idp: ${cure}, or delete ${section}`);
  }
  for (const key of ['max_requests_per_principal', 'max_streams_per_principal']) {
    const path = ['limits', key];
    if (draft.valueAt(path) !== undefined) draft.report(path, `needs idp: ${cure}, or delete limits.${key}`);
  }
  const origins = draft.valueAt(['cors', 'allowed_origins']);
  if (!Array.isArray(origins)) return;
  for (const [index, origin] of origins.entries()) {
    if (origin === '*') draft.report(['cors', 'allowed_origins', index], `"*" needs idp: ${cure}, or name the origins`);
  }
}

function checkIssuers(draft: Draft): void {
  const additional = draft.valueAt(['idp', 'additional_issuers']);
  const count = Array.isArray(additional) ? additional.length : 0;
  const places: Path[] = [
    ['idp'],
    ...Array.from({ length: count }, (_, index) => ['idp', 'additional_issuers', index]),
  ];
  const allowHttp = read(draft, ['idp', 'dangerously_allow_http'], idp.dangerously_allow_http) ?? false;
  const seen = new Map<string, Path>();
  for (const place of places) {
    const path = [...place, 'issuer'];
    const issuer = read(draft, path, idp.issuer);
    const keys = [...place, 'jwks_uri'];
    const jwksUri = read(draft, keys, idp.jwks_uri);
    if (!allowHttp) checkSecure(draft, keys, jwksUri);
    const endpoint = readEndpoint(draft, place, allowHttp);
    if (issuer === undefined) continue;
    // With keys from elsewhere it is a name: nothing is fetched there.
    const isFetched = (jwksUri === undefined && !draft.isAtFault(keys)) || endpoint === 'discovered';
    if (isFetched) checkDiscoverable(draft, path, { issuer, allowHttp });
    const first = seen.get(issuer);
    if (first !== undefined)
      draft.report(path, `is the same issuer as ${formatPath(draft.writtenPath(first))}; delete one of them`);
    seen.set(issuer, first ?? path);
  }
  checkIntrospection(draft, places);
}

/** Of an issuer's `introspection`, if it has one: whether the endpoint is to be found in its metadata. */
function readEndpoint(draft: Draft, place: Path, allowHttp: boolean): 'discovered' | 'configured' | undefined {
  const path = [...place, 'introspection', 'endpoint'];
  if (!isRecord(draft.valueAt(path.slice(0, -1)))) return undefined;
  const endpoint = read(draft, path, introspection.endpoint);
  if (!allowHttp) checkSecure(draft, path, endpoint);
  return endpoint === undefined && !draft.isAtFault(path) ? 'discovered' : 'configured';
}

/** A token that is no JWT does not say whose it is, and its issuer alone may see it. */
function checkIntrospection(draft: Draft, places: readonly Path[]): void {
  const [first, ...others] = places
    .map((place) => [...place, 'introspection'])
    .filter((path) => draft.valueAt(path) !== undefined);
  for (const other of others) {
    const taken = formatPath(draft.writtenPath(first ?? other));
    draft.report(other, `is taken by ${taken}: an opaque token does not say whose it is; delete one of them`);
  }
}

function checkDiscoverable(draft: Draft, path: Path, given: { issuer: string; allowHttp: boolean }): void {
  const url = parseDiscoverableIssuer(given.issuer);
  if (url instanceof Refused) draft.reportRefusal(path, url.refusal);
  else if (!given.allowHttp) checkSecure(draft, path, given.issuer);
}

function checkSecure(draft: Draft, path: Path, text: string | undefined): void {
  if (text === undefined || isSecureUrl(new URL(text))) return;
  draft.reportRefusal(path, {
    message: 'must begin with https://, for whoever sits on the network could forge tokens',
    got: { value: text },
    cure: 'http is for loopback, or for development with idp.dangerously_allow_http: true',
  });
}

function checkStaleness(draft: Draft): void {
  const refresh = read(draft, ['idp', 'jwks_refresh'], idp.jwks_refresh);
  const maxStale = read(draft, ['idp', 'jwks_max_stale'], idp.jwks_max_stale);
  if (refresh === undefined || maxStale === undefined || maxStale >= refresh) return;
  draft.report(
    ['idp', 'jwks_max_stale'],
    'must not be shorter than idp.jwks_refresh, or keys expire between two fetches that both succeed',
  );
}

function checkDpop(draft: Draft): void {
  if (!isRecord(draft.valueAt(['dpop']))) return;
  const enabled = read(draft, ['dpop', 'enabled'], dpop.enabled);
  const asksForProofs = {
    required: read(draft, ['dpop', 'required'], dpop.required) === true,
    nonce: read(draft, ['dpop', 'nonce'], dpop.nonce) === 'required',
  };
  for (const [key, asks] of Object.entries(asksForProofs)) {
    if (asks && enabled === false) {
      draft.report(['dpop', key], `needs dpop.enabled: true; set that, or delete dpop.${key}`);
    }
  }
  const cache = dpop.replay_cache.def.out.shape;
  const redis = read(draft, ['dpop', 'replay_cache', 'backend'], cache.backend) === 'redis';
  const url = ['dpop', 'replay_cache', 'redis', 'url'];
  if (redis && read(draft, url, cache.redis.def.out.shape.url) === '') {
    draft.report(url, 'is required with dpop.replay_cache.backend: redis; for example "redis://redis:6379/0"');
  }
}

function checkListeners(draft: Draft): void {
  const main = read(draft, ['obex', 'listen'], obex.listen);
  const workers = read(draft, ['obex', 'workers'], obex.workers);
  if (main !== undefined && 'path' in main && typeof workers === 'number' && workers > 1) {
    draft.report(['obex', 'workers'], 'needs a port: a unix socket has one thread; write 1, or "auto"');
  }
  const metrics = read(draft, ['metrics', 'listen'], shape.metrics.def.out.shape.listen);
  if (main === undefined || metrics === undefined || !overlap(main, metrics)) return;
  draft.report(
    ['metrics', 'listen'],
    'is taken by obex.listen; choose another port, or delete the key to serve /metrics there',
  );
}

/** True when not both can be listened on. Port 0 is another one each time. */
function overlap(one: ListenAddress, other: ListenAddress): boolean {
  if ('path' in one || 'path' in other) return formatListen(one) === formatListen(other);
  const isSameHost = one.host === other.host || isAnyHost(one.host) || isAnyHost(other.host);
  return one.port === other.port && one.port !== 0 && isSameHost;
}

function isAnyHost(host: string | undefined): boolean {
  return host === undefined || ANY_ADDRESS.includes(host);
}

/** A request to Obex that Obex sends to itself comes back for ever. */
function checkCircle(draft: Draft): void {
  const listen = read(draft, ['obex', 'listen'], obex.listen);
  const url = read(draft, ['backend', 'url'], shape.backend.def.out.shape.url);
  if (listen === undefined || url === undefined || 'path' in listen || !isLoopbackHost(url.hostname)) return;
  const port = Number(url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port);
  const isReached = isAnyHost(listen.host) || isLocalAddress(listen);
  if (port !== listen.port || !isReached) return;
  draft.reportRefusal(['backend', 'url'], {
    message: 'is the address of obex.listen: Obex would send every request to itself',
    got: { value: url.origin },
    cure: 'let one of them have another port',
  });
}
