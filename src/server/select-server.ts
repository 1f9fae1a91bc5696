/** Which of many servers a request is for, by the authority that it names and the bytes of its path. RFC 3986 §3.2, §3.3. */
import type { PathMap } from '../lib/path-map.ts';

/** A server, and what is its own. */
export interface ServerPlace<T> {
  /** `resource.url`, whose authority is claimed. */
  readonly resourceUrl: URL;
  readonly paths: PathMap;
  readonly server: T;
}

/** By the authority that a request names and its raw path, without the query; undefined = it is nobody's. */
export type SelectServer<T> = (authority: string, path: string) => T | undefined;

/** A path, and all below it where it is a folder. */
interface Claim<T> {
  readonly path: string;
  readonly below: string;
  readonly server: T;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': ':80', 'https:': ':443' };

/**
 * The longest claim wins: a resource's path, exactly or with what is below it, or a mount; of two equal ones a resource's
 * path, then the first. An authority that no server claims reaches the servers of `publicUrl`.
 */
export function createSelectServer<T>(places: readonly ServerPlace<T>[], publicUrl: URL): SelectServer<T> {
  const byAuthority = new Map<string, readonly Claim<T>[]>();
  for (const { resourceUrl } of places) {
    const own = places.filter((place) => place.resourceUrl.host === resourceUrl.host);
    for (const authority of spellingsOf(resourceUrl)) byAuthority.set(authority, claimsOf(own));
  }
  const unclaimed = claimsOf(places.filter(({ resourceUrl }) => resourceUrl.host === publicUrl.host));
  return (authority, path) => {
    const claims = byAuthority.get(authority) ?? byAuthority.get(authority.toLowerCase()) ?? unclaimed;
    return claims.find((claim) => path === claim.path || path.startsWith(claim.below))?.server;
  };
}

/** With and without the default port: who names it is not told which scheme the client used. */
function spellingsOf({ host, port, protocol }: URL): readonly string[] {
  return port === '' ? [host, host + (DEFAULT_PORTS[protocol] ?? '')] : [host];
}

/** The longest first. */
function claimsOf<T>(places: readonly ServerPlace<T>[]): readonly Claim<T>[] {
  const resources = places.map(({ paths, server }) => claim(paths.publicPath, server));
  const mounts = places
    .filter(({ paths }) => paths.servesMount)
    .map(({ paths, server }) => claim(paths.mount.publicFolder, server));
  return [...resources, ...mounts].toSorted((one, other) => other.path.length - one.path.length);
}

function claim<T>(path: string, server: T): Claim<T> {
  return { path, below: path.endsWith('/') ? path : `${path}/`, server };
}
