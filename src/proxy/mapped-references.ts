/** URLs of a backend whose paths are others than the public ones: origin and path become public. RFC 9110 §10.2.2, RFC 3986 §4.2, §5.2. */
import { isAmbiguousPath } from '../lib/ambiguous-path.ts';
import type { PathMap } from '../lib/path-map.ts';
import { rawPath } from '../lib/raw-path.ts';
import { createOwnAuthorities } from './own-authorities.ts';
import { backendNames, type PublicReferenceOptions } from './public-references.ts';

interface MappedReferenceOptions extends PublicReferenceOptions {
  readonly paths: PathMap;
}

/**
 * Where a reference leads: to the server, by a name that clients can use; to something of the backend that is no part of
 * it; or elsewhere.
 */
export type Lead = { readonly to: 'server'; readonly reference: string } | { readonly to: 'outside' | 'elsewhere' };

/** `target` is that of the request, as the client sent it. */
export type FollowReference = (reference: string, target: string) => Lead;

/** Stands for the authority of whoever is asked, in references that name none; reserved by RFC 6761 §6.4. */
const NO_AUTHORITY = 'backend.invalid';

const OUTSIDE: Lead = { to: 'outside' };
const ELSEWHERE: Lead = { to: 'elsewhere' };

/**
 * What leads to the server is written anew, without user name and dot segments; query and fragment stay byte for byte. So
 * no parser finds another authority in it, and its path selects this server.
 */
export function createFollowReference(options: MappedReferenceOptions): FollowReference {
  const { publicUrl, paths, backendHost } = options;
  const isBackend = createOwnAuthorities(backendNames(options));
  const isPublic = createOwnAuthorities([publicUrl]);
  // Told the public authority, a backend takes it for its own, and means paths of its own.
  const meansPublicPaths = !isPublic(new URL(`${publicUrl.protocol}//${backendHost}`));

  const toPublicPath = (path: string, isOfPublic: boolean): string | undefined => {
    if (isOfPublic && paths.serves(path) && !isAmbiguousPath(path)) return path;
    return paths.toPublic(path);
  };

  return (reference, target) => {
    // RFC 3986 §5.2.2: the path stays, so that of the request does for the client.
    if (reference === '' || reference.startsWith('?') || reference.startsWith('#')) return { to: 'server', reference };
    const base = `${publicUrl.protocol}//${NO_AUTHORITY}${rawPath(paths.toBackend(target))}`;
    const url = URL.parse(reference, base);
    if (url === null) return OUTSIDE;
    const isPathAlone = url.host === NO_AUTHORITY;
    const isOfPublic = isPublic(url);
    if (!isPathAlone && !isOfPublic && !isBackend(url)) return ELSEWHERE;
    const path = toPublicPath(url.pathname, isOfPublic && meansPublicPaths);
    if (path === undefined) return OUTSIDE;
    const rest = /[?#].*$/s.exec(reference)?.[0] ?? '';
    return { to: 'server', reference: (isPathAlone ? '' : publicUrl.origin) + path + rest };
  };
}
