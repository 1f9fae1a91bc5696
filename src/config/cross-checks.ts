/** What no value can tell by itself: rules between values and sections. RFC 9728 §3.3 (resource). */
import { foldName } from '../lib/fold-name.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { checkAdmin } from './admin-checks.ts';
import type { Draft } from './draft.ts';
import { checkAuthorizationServers, checkIssuers } from './issuer-checks.ts';
import { formatListen, isLocalAddress, type ListenAddress } from './listen.ts';
import { checkLogin } from './login-checks.ts';
import { isRecord } from './path.ts';
import { checkPaths } from './path-checks.ts';
import { checkBackend } from './program-checks.ts';
import { read } from './read-value.ts';
import { checkRedis } from './redis-checks.ts';
import { sections } from './schema.ts';
import { checkScopePrefix } from './scope-checks.ts';

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };
const ANY_ADDRESS = ['0.0.0.0', '::'];

const { shape } = sections;
const obex = shape.obex.def.out.shape;
const idp = shape.idp.def.innerType.shape;
const dpop = shape.dpop.def.out.shape;
const backend = shape.backend.def.out.shape;

/** Reports broken rules. Looks at each value by itself, so that a mistake elsewhere hides none of them. */
export function crossCheck(draft: Draft): void {
  checkPhase(draft);
  checkBackend(draft);
  checkIssuers(draft);
  checkAuthorizationServers(draft);
  checkLogin(draft);
  checkScopePrefix(draft);
  checkStaleness(draft);
  checkDpop(draft);
  checkRedis(draft);
  checkClaimHeaders(draft);
  checkCertificates(draft);
  checkListeners(draft);
  checkPaths(draft);
  checkAdmin(draft);
  checkCircle(draft);
}

/** What only makes sense with tokens must not stand, and be ignored, in a config that authenticates nobody. */
function checkPhase(draft: Draft): void {
  // One that is misspelt has been reported.
  if (['idp', 'login'].some((key) => draft.valueAt([key]) !== undefined || draft.isAtFault([key]))) return;
  const cure = 'without idp Obex authenticates nobody; add idp with its issuer';
  for (const section of ['authz', 'dpop']) {
    if (draft.valueAt([section]) !== undefined) draft.report([section], `needs idp: ${cure}, or delete ${section}`);
  }
  for (const key of ['max_requests_per_principal', 'max_streams_per_principal']) {
    const path = ['limits', key];
    if (draft.valueAt(path) !== undefined) draft.report(path, `needs idp: ${cure}, or delete limits.${key}`);
  }
  checkVouching(draft, cure);
  const origins = draft.valueAt(['cors', 'allowed_origins']);
  if (!Array.isArray(origins)) return;
  for (const [index, origin] of origins.entries()) {
    if (origin === '*') draft.report(['cors', 'allowed_origins', index], `"*" needs idp: ${cure}, or name the origins`);
  }
}

/** Without a verified token there is nothing to vouch for. */
function checkVouching(draft: Draft, cure: string): void {
  const headers = ['backend', 'claim_headers'];
  const written = draft.valueAt(headers);
  if (isRecord(written) && Object.keys(written).length > 0) {
    draft.report(headers, `needs idp: ${cure}, or delete backend.claim_headers`);
  }
  const enabled = ['backend', 'assertion', 'enabled'];
  if (read(draft, enabled, backend.assertion.def.out.shape.enabled) === true) {
    draft.report(enabled, `needs idp: ${cure}, or delete backend.assertion`);
  }
}

/** One header, one meaning: a claim must not be replaced by, nor replace, what the operator writes. */
function checkClaimHeaders(draft: Draft): void {
  const fixed = draft.valueAt(['backend', 'headers']);
  const claims = draft.valueAt(['backend', 'claim_headers']);
  if (!isRecord(fixed) || !isRecord(claims)) return;
  const names = new Map(Object.keys(fixed).map((name) => [foldName(name), name]));
  for (const name of Object.keys(claims)) {
    const twin = names.get(foldName(name));
    const path = ['backend', 'claim_headers', name];
    if (twin === undefined || draft.isAtFault(path)) continue;
    draft.report(path, `is the same header as backend.headers.${twin}; delete one, or choose another name`);
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
}

/** What is written, and would do nothing or less than it says. */
function checkCertificates(draft: Draft): void {
  const { enabled: enabledSchema, client_auth, client_ca_file } = obex.tls.def.out.shape;
  const enabled = read(draft, ['obex', 'tls', 'enabled'], enabledSchema);
  const auth = read(draft, ['obex', 'tls', 'client_auth'], client_auth);
  if (enabled === false && auth !== undefined && auth !== 'off') {
    const cure = 'set that, or, where a proxy in front ends TLS, obex.client_cert_header in place of this';
    draft.report(['obex', 'tls', 'client_auth'], `needs obex.tls.enabled: true; ${cure}`);
  }
  const authorities = ['obex', 'tls', 'client_ca_file'];
  if (auth === 'off' && (read(draft, authorities, client_ca_file) ?? '') !== '') {
    draft.report(authorities, 'needs obex.tls.client_auth: request or require; set that, or delete client_ca_file');
  }
  const header = ['obex', 'client_cert_header'];
  const proxies = read(draft, ['obex', 'trusted_proxies'], obex.trusted_proxies);
  if (read(draft, header, obex.client_cert_header) !== true || proxies === undefined) return;
  if (proxies.length === 0) {
    draft.report(header, 'needs obex.trusted_proxies: nobody else is believed; add the address of the proxy in front');
  } else if (proxies.some(isWide)) {
    draft.report(
      header,
      'with so wide a network in obex.trusted_proxies (IPv4 below /8, IPv6 below /32) nearly anybody could write any certificate; ' +
        'name the addresses of the proxies',
    );
  }
}

function isWide(cidr: string): boolean {
  const [network = '', prefix] = cidr.split('/');
  return prefix !== undefined && Number(prefix) < (network.includes(':') ? 32 : 8);
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
  const url = read(draft, ['backend', 'url'], backend.url);
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
