/** Who answers a request: Obex itself, a refusal, or the backend. Decided on the raw target, never on a decoded one. */

import { loggableUri } from '../lib/loggable-uri.ts';
import { rawPath } from '../lib/raw-path.ts';
import { hasAccessTokenQuery } from '../oauth/credentials.ts';
import { type Denial, deny } from '../oauth/denial.ts';
import type { Exchange, RequestHead } from '../wire/exchange.ts';
import { isPreflight, METHODS, originOf } from './cors.ts';
import type { HostPolicy } from './host-policy.ts';
import type { Respond } from './service.ts';

export type Route =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'preflight'; readonly isExempt: boolean }
  /** `isDiscoveryProbe`: a client looks for an authorization server here; without a token that is a 404. */
  | { readonly kind: 'backend'; readonly isDiscoveryProbe: boolean };

export type SelectRoute = (exchange: Exchange) => Route | Denial;

export interface Endpoint {
  readonly respond: Respond;
  /** Readable by any web page: no Origin check, preflights answered. */
  readonly isPublic: boolean;
  /** Answered even when there are too many connections. */
  readonly isVital: boolean;
  /** Leaves no access line: probes come every few seconds for as long as Obex runs. */
  readonly isQuiet: boolean;
}

/** Probes and the metadata: no rate limit holds them up, no Host is asked of them. */
export function isExempt(endpoint: Endpoint | undefined): boolean {
  return endpoint !== undefined && (endpoint.isPublic || endpoint.isVital);
}

export interface RouteOptions {
  /** By raw path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Raw paths that neither an endpoint nor the backend serves. */
  isClosed(path: string): boolean;
  isOriginAllowed(origin: string): boolean;
  /** Undefined from phase 2 on, where Host decides nothing. */
  readonly hostPolicy: HostPolicy | undefined;
  /** The listener has closed: what still comes on kept connections is refused. */
  isClosing(): boolean;
}

const PREFLIGHT: Route = { kind: 'preflight', isExempt: false };
const PUBLIC_PREFLIGHT: Route = { kind: 'preflight', isExempt: true };
const BACKEND: Route = { kind: 'backend', isDiscoveryProbe: false };
const DISCOVERY_PROBE: Route = { kind: 'backend', isDiscoveryProbe: true };

export function createRoute(options: RouteOptions): SelectRoute {
  return (exchange) => {
    const { head, overloaded } = exchange;
    const path = rawPath(head.target);
    const endpoint = options.endpoints.get(path);
    if (endpoint?.isPublic !== true) {
      const origin = originOf(head);
      if (origin !== undefined && !options.isOriginAllowed(origin)) {
        return deny('origin_not_allowed', { actual: loggableUri(origin) });
      }
    }
    if (overloaded && endpoint?.isVital !== true) return deny('overloaded', { detail: 'too many connections' });
    if (options.hostPolicy?.(head.authority) === false && !isExempt(endpoint)) {
      return deny('host_not_allowed', { actual: head.authority });
    }
    if (endpoint !== undefined) return routeToEndpoint(endpoint, head);
    if (options.isClosed(path)) return deny('not_found');
    return routeToBackend(options, head, path);
  };
}

function routeToEndpoint(endpoint: Endpoint, head: RequestHead): Route | Denial {
  if (head.method === 'GET' || head.method === 'HEAD') return { kind: 'endpoint', endpoint };
  if (endpoint.isPublic && isPreflight(head)) return PUBLIC_PREFLIGHT;
  return deny('method_not_allowed', { actual: head.method }, [
    'Allow',
    endpoint.isPublic ? 'GET, HEAD, OPTIONS' : 'GET, HEAD',
  ]);
}

function routeToBackend(options: RouteOptions, head: RequestHead, path: string): Route | Denial {
  const { method, target } = head;
  if (method === 'CONNECT' || method === 'TRACE') {
    return deny('method_not_allowed', { actual: method }, ['Allow', METHODS]);
  }
  if (options.isClosing()) return deny('draining');
  if (hasAccessTokenQuery(target)) return deny('malformed_authorization', { detail: 'access_token in the query' });
  if (isPreflight(head)) return PREFLIGHT;
  return isDiscoveryProbe(path) ? DISCOVERY_PROBE : BACKEND;
}

function isDiscoveryProbe(path: string): boolean {
  return path.startsWith('/.well-known/oauth-') || path.startsWith('/.well-known/openid-configuration');
}
