/** What no value can tell by itself: rules between values and sections. RFC 9728 §3.3 (resource). */
import { isLoopbackHost } from '../lib/loopback.ts';
import type { Draft } from './draft.ts';
import { checkAuthorizationServers, checkIssuers } from './issuer-checks.ts';
import { formatListen, isLocalAddress, type ListenAddress } from './listen.ts';
import { isRecord } from './path.ts';
import { read } from './read-value.ts';
import { sections } from './schema.ts';
import { checkScopePrefix } from './scope-checks.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const ANY_ADDRESS = ['0.0.0.0', '::'];

const { shape } = sections;
const obex = shape.obex.def.out.shape;
const idp = shape.idp.def.innerType.shape;
const dpop = shape.dpop.def.out.shape;

/** Reports broken rules. Looks at each value by itself, so that a mistake elsewhere hides none of them. */
export function crossCheck(draft: Draft): void {
  checkPhase(draft);
  checkIssuers(draft);
  checkAuthorizationServers(draft);
  checkScopePrefix(draft);
  checkStaleness(draft);
  checkDpop(draft);
  checkListeners(draft);
  checkCircle(draft);
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
