/** Where one server is for clients and at its backend. */
import { createPathMap, type PathMap } from '../lib/path-map.ts';
import type { OneServer } from './schema.ts';

type Placed = Pick<OneServer, 'name'> & {
  readonly resource: Pick<OneServer['resource'], 'url'>;
  readonly backend: Pick<OneServer['backend'], 'url' | 'command'>;
};

/** Undefined where paths pass as they came: of one among several servers none but its own do. */
export function pathMapOf({ name, resource, backend }: Placed): PathMap | undefined {
  const { pathname } = backend.url;
  const { pathname: publicPath } = new URL(resource.url);
  // The path of a program is its name, and its neighbours there are other programs.
  if (pathname !== '/') return createPathMap(publicPath, pathname, backend.command.length === 0);
  return name === undefined ? undefined : createPathMap(publicPath, publicPath);
}
