/** What `obex check` says of paths that are mapped: what becomes of the resource's own, and the mount. MCP 2024-11-05. */
import { resourceUrlOf } from '../compose/paths.ts';
import { pathMapOf } from '../config/path-map-of.ts';
import type { Config, OneServer } from '../config/schema.ts';

/** A line each; none where paths pass as they came. */
export function describePaths({ servers }: Config): readonly string[] {
  return servers.flatMap((server) => {
    const of = server.name === undefined ? '' : `servers.${server.name}: `;
    return describeServer(server).map((line) => of + line);
  });
}

function describeServer(server: OneServer): readonly string[] {
  const paths = pathMapOf(server);
  // Of a program the path is a name that nobody outside of Obex knows.
  if (paths === undefined || server.backend.command.length > 0) return [];
  const { publicPath, backendPath, mount, servesMount } = paths;
  const isServed = servesMount
    ? 'paths below it belong to the server too, for the endpoint event of MCP 2024-11-05'
    : `no other paths than those of ${publicPath} are served`;
  return [
    `paths: ${publicPath} → ${backendPath} at ${server.backend.url.origin}, for ${resourceUrlOf(server).host}`,
    `mount: ${mount.publicFolder || '/'} ↔ ${mount.backendFolder || '/'}; ${isServed}`,
  ];
}
