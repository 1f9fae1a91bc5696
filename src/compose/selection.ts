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

/** `closedPath` is no server's, whatever they take. */
export function buildSelection(
  { server, resourceUrl, paths }: ServerParts,
  closedPath: string | undefined,
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
