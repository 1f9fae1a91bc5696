/** Who answers a request: Obex itself, a refusal, or the backend. Decided on the raw target, never on a decoded one. */

import { loggableUri } from '../lib/loggable-uri.ts';
import { rawPath } from '../lib/raw-path.ts';
import { hasAccessTokenQuery } from '../oauth/credentials.ts';
import { type Denial, deny, isDenied } from '../oauth/denial.ts';
import { asksForAuthorization } from '../oauth/no-authorization-server.ts';
import type { Exchange, FieldLines, RequestHead } from '../wire/exchange.ts';
import { isPreflight, METHODS, originOf } from './cors.ts';
import { type Endpoint, isExempt } from './endpoint.ts';
import type { HostPolicy } from './host-policy.ts';
import type { Server } from './server.ts';

export type Route =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint }
  | { readonly kind: 'preflight'; readonly isExempt: boolean }
  | BackendRoute;

export interface BackendRoute {
  readonly kind: 'backend';
  readonly server: Server;
  /** What a request without a token is told instead of `no_token`. */
  readonly withoutToken: Denial | undefined;
}

/** The ways to one server: they differ by what a request without a token looks for. */
export interface ServerRoutes {
  readonly plain: BackendRoute;
  /** For whoever looks for the metadata of an authorization server. */
  readonly discovery: BackendRoute;
  /** For whoever wants to register or log in there. */
  readonly authorization: BackendRoute;
}

export type SelectRoute = (exchange: Exchange) => Route | Denial;

export interface RouteOptions {
  /** By raw path. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  /** By a raw path that no endpoint serves, and the head that it is of. */
  selectServer(path: string, head: RequestHead): ServerRoutes | Denial;
  isOriginAllowed(origin: string): boolean;
  /** That of Obex itself, as browsers write it. */
  readonly ownOrigin: string;
  /** Undefined from phase 2 on, where Host decides nothing. */
  readonly hostPolicy: HostPolicy | undefined;
  /** Whether Obex itself has sent the request. */
  isLoop(fields: FieldLines): boolean;
  /** The listener has closed: what still comes on kept connections is refused. */
  isClosing(): boolean;
}

const PREFLIGHT: Route = { kind: 'preflight', isExempt: false };
const PUBLIC_PREFLIGHT: Route = { kind: 'preflight', isExempt: true };
const NO_METADATA = deny('not_found');

export function createServerRoutes(server: Server): ServerRoutes {
  return {
    plain: { kind: 'backend', server, withoutToken: undefined },
    discovery: { kind: 'backend', server, withoutToken: NO_METADATA },
    authorization: { kind: 'backend', server, withoutToken: server.noAuthorizationServer },
  };
}

export function createRoute(options: RouteOptions): SelectRoute {
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
    const toServer = options.selectServer(path, head);
    if (isDenied(toServer)) return toServer;
    const refusal = refuseForBackend(options, head);
    if (refusal !== undefined) return refusal;
    if (isPreflight(head)) return PREFLIGHT;
    if (isDiscoveryProbe(path)) return toServer.discovery;
    return asksForAuthorization(head.method, path) ? toServer.authorization : toServer.plain;
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
