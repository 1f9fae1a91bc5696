/** Config → which server a request is for, decided on its authority and its raw path, or why for none. */
import { isAmbiguousPath } from '../lib/ambiguous-path.ts';
import { deny } from '../oauth/denial.ts';
import { asksForAuthorization } from '../oauth/no-authorization-server.ts';
import { createServerRoutes, type RouteOptions } from '../server/route.ts';
import { createSelectServer } from '../server/select-server.ts';
import type { ServerParts } from './server.ts';

const NOT_FOUND = deny('not_found');
const AMBIGUOUS = deny('malformed_request', {
  detail: 'an empty segment, dots or an encoded slash in the path, where paths are mapped',
});

interface Surroundings {
  readonly publicUrl: URL;
  /** No server's, whatever they take. */
  readonly closedPath: string | undefined;
}

export function buildSelection(
  servers: readonly ServerParts[],
  surroundings: Surroundings,
): RouteOptions['selectServer'] {
  const [only, ...others] = servers;
  return only !== undefined && others.length === 0
    ? selectOnly(only, surroundings)
    : selectAmong(servers, surroundings);
}

/** Whoever looks for a login among several is told by none of them where it is. */
function selectAmong(
  servers: readonly ServerParts[],
  { publicUrl, closedPath }: Surroundings,
): RouteOptions['selectServer'] {
  const places = servers.flatMap(({ server, resourceUrl, paths }) =>
    paths === undefined ? [] : [{ resourceUrl, paths, server: createServerRoutes(server) }],
  );
  const select = createSelectServer(places, publicUrl);
  return (path, { authority }) => {
    if (isAmbiguousPath(path)) return AMBIGUOUS;
    return (path === closedPath ? undefined : select(authority, path)) ?? NOT_FOUND;
  };
}

function selectOnly(
  { server, resourceUrl, paths }: ServerParts,
  { closedPath }: Surroundings,
): RouteOptions['selectServer'] {
  const toServer = createServerRoutes(server);
  if (paths === undefined) return (path) => (path === closedPath ? NOT_FOUND : toServer);
  // The one server there is: whatever authority it is reached by.
  const select = createSelectServer([{ resourceUrl, paths, server: toServer }], resourceUrl);
  const noAuthorizationServer = server.noAuthorizationServer ?? NOT_FOUND;
  return (path, { authority, method }) => {
    if (isAmbiguousPath(path)) return AMBIGUOUS;
    const found = path === closedPath ? undefined : select(authority, path);
    return found ?? (asksForAuthorization(method, path) ? noAuthorizationServer : NOT_FOUND);
  };
}
