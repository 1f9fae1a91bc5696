/** Who answers a request: Obex itself, a refusal, or the backend. Decided on the raw target, never on a decoded one. */

import { loggableUri } from '../lib/loggable-uri.ts';
import { rawPath } from '../lib/raw-path.ts';
import { hasAccessTokenQuery } from '../oauth/credentials.ts';
import { type Denial, deny } from '../oauth/denial.ts';
import { asksForAuthorization } from '../oauth/no-authorization-server.ts';
import type { Exchange, FieldLines, RequestHead } from '../wire/exchange.ts';
import { isPreflight, METHODS, originOf } from './cors.ts';
import { type Endpoint, isExempt } from './endpoint.ts';
import type { HostPolicy } from './host-policy.ts';

export type Route =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'preflight'; readonly isExempt: boolean }
  /** `withoutToken`: what a request without one is told instead of `no_token`. */
  | { readonly kind: 'backend'; readonly withoutToken: Denial | undefined };

export type SelectRoute = (exchange: Exchange) => Route | Denial;

export interface RouteOptions {
  /** By raw path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** Raw paths that neither an endpoint nor the backend serves. */
  isClosed(path: string): boolean;
  isOriginAllowed(origin: string): boolean;
  /** That of Obex itself, as browsers write it. */
  readonly ownOrigin: string;
  /** Undefined from phase 2 on, where Host decides nothing. */
  readonly hostPolicy: HostPolicy | undefined;
  /** For whoever wants to register or log in here; undefined in phase 1, where the backend may well be the place. */
  readonly noAuthorizationServer: Denial | undefined;
  /** Whether Obex itself has sent the request. */
  isLoop(fields: FieldLines): boolean;
  /** The listener has closed: what still comes on kept connections is refused. */
  isClosing(): boolean;
}

const PREFLIGHT: Route = { kind: 'preflight', isExempt: false };
const PUBLIC_PREFLIGHT: Route = { kind: 'preflight', isExempt: true };
const BACKEND: Route = { kind: 'backend', withoutToken: undefined };
const DISCOVERY_PROBE: Route = { kind: 'backend', withoutToken: deny('not_found') };

export function createRoute(options: RouteOptions): SelectRoute {
  const toAuthorization: Route = { kind: 'backend', withoutToken: options.noAuthorizationServer };
  return (exchange) => {
    const { head, overloaded } = exchange;
    const path = rawPath(head.target);
    const endpoint = options.endpoints.get(path);
    const foreign = refuseOrigin(options, endpoint, head);
    if (foreign !== undefined) return foreign;
    if (overloaded && endpoint?.isVital !== true) return deny('overloaded', { detail: 'too many connections' });
    if (endpoint === undefined && options.isLoop(head.fields)) return deny('loop_detected');
    if (options.hostPolicy?.(head.authority) === false && !isExempt(endpoint)) {
      return deny('host_not_allowed', { actual: head.authority });
    }
    if (endpoint !== undefined) return routeToEndpoint(endpoint, head);
    if (options.isClosed(path)) return deny('not_found');
    const refusal = refuseForBackend(options, head);
    if (refusal !== undefined) return refusal;
    if (isPreflight(head)) return PREFLIGHT;
    if (isDiscoveryProbe(path)) return DISCOVERY_PROBE;
    return asksForAuthorization(head.method, path) ? toAuthorization : BACKEND;
  };
}

function refuseOrigin(options: RouteOptions, endpoint: Endpoint | undefined, head: RequestHead): Denial | undefined {
  if (endpoint?.isPublic === true) return undefined;
  const origin = originOf(head);
  if (origin === undefined) return undefined;
  return isOriginAllowed(options, endpoint, origin)
    ? undefined
    : deny('origin_not_allowed', { actual: loggableUri(origin) });
}

function isOriginAllowed(options: RouteOptions, endpoint: Endpoint | undefined, origin: string): boolean {
  switch (endpoint?.leadsFrom) {
    case 'any':
      return true;
    case 'own':
      return origin === options.ownOrigin;
    case undefined:
      return options.isOriginAllowed(origin);
  }
}

const READING = ['GET', 'HEAD'];

function routeToEndpoint(endpoint: Endpoint, head: RequestHead): Route | Denial {
  const { methods = READING, isPublic } = endpoint;
  if (methods.includes(head.method)) return { kind: 'endpoint', endpoint };
  if (isPublic && isPreflight(head)) return PUBLIC_PREFLIGHT;
  const allow = isPublic ? [...methods, 'OPTIONS'] : methods;
  return deny('method_not_allowed', { actual: head.method }, ['Allow', allow.join(', ')]);
}

/** What no backend gets to see, whoever asks. */
function refuseForBackend(options: RouteOptions, { method, target }: RequestHead): Denial | undefined {
  if (method === 'CONNECT' || method === 'TRACE') {
    return deny('method_not_allowed', { actual: method }, ['Allow', METHODS]);
  }
  if (options.isClosing()) return deny('draining');
  if (hasAccessTokenQuery(target)) return deny('malformed_authorization', { detail: 'access_token in the query' });
  return undefined;
}

/** A client looks for the metadata of an authorization server; what says that there is none is a 404. */
function isDiscoveryProbe(path: string): boolean {
  return path.startsWith('/.well-known/oauth-') || path.startsWith('/.well-known/openid-configuration');
}
