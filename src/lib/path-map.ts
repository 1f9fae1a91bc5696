/** Paths as clients know them ↔ paths of the backend, raw and segment by segment. RFC 3986 §3.3. */
import { isAmbiguousPath } from './ambiguous-path.ts';
import { rawPath } from './raw-path.ts';

/** Two folders that are the same one, without a final slash: "" is the root. */
export interface FolderPair {
  readonly publicFolder: string;
  readonly backendFolder: string;
}

export interface PathMap {
  /** The resource's own path, and what it is at the backend. */
  readonly publicPath: string;
  readonly backendPath: string;
  /** What is left when the common end of both is taken off: where a server of MCP 2024-11-05 has its messages. */
  readonly mount: FolderPair;
  /**
   * Whether the mount belongs to the server. The root does not: it would take every path, of the backend or of other servers.
   * Nor is there anything to tell where the two paths have no end in common.
   */
  readonly servesMount: boolean;
  /** All that requests can reach at the backend: these folders and what is below. */
  readonly backendFolders: readonly string[];
  /** Whether a public path, without its query, is one of the server. */
  serves(path: string): boolean;
  /** A target that is served, with its query, as the backend is to get it. */
  toBackend(target: string): string;
  /** A path of the backend as clients reach it; undefined = they do not. */
  toPublic(path: string): string | undefined;
}

/** Both begin with "/" and are free of what `isAmbiguousPath` finds. `mayMount`: the backend has paths of its own to name. */
export function createPathMap(publicPath: string, backendPath: string, mayMount = true): PathMap {
  const own = { publicFolder: folderOf(publicPath), backendFolder: folderOf(backendPath) };
  const mount = findMount(own);
  const servesMount = mayMount && mount.publicFolder !== '' && mount.publicFolder !== own.publicFolder;
  const folders = servesMount ? [own, mount] : [own];
  return Object.freeze({
    publicPath,
    backendPath,
    mount,
    servesMount,
    backendFolders: folders.map(({ backendFolder }) => backendFolder),
    serves: (path) =>
      path === publicPath ||
      isBelow(path, own.publicFolder) ||
      (servesMount && (path === mount.publicFolder || isBelow(path, mount.publicFolder))),
    toBackend: (target) => {
      const path = rawPath(target);
      const query = target.slice(path.length);
      if (path === publicPath) return backendPath + query;
      const folder = folders.find(({ publicFolder }) => path === publicFolder || isBelow(path, publicFolder));
      if (folder === undefined) throw new Error('a path that is not served has no counterpart');
      return (folder.backendFolder + path.slice(folder.publicFolder.length) || '/') + query;
    },
    toPublic: (path) => {
      if (path === backendPath) return publicPath;
      if (isAmbiguousPath(path)) return undefined;
      const folder = folders.find(({ backendFolder }) => path === backendFolder || isBelow(path, backendFolder));
      if (folder === undefined) return undefined;
      const found = folder.publicFolder + path.slice(folder.backendFolder.length);
      // Where the resource's path ends in a slash, the folder itself is none of its paths.
      return found === own.publicFolder ? publicPath : found;
    },
  } satisfies PathMap);
}

function folderOf(path: string): string {
  return path.replace(/\/$/, '');
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder) && path.charCodeAt(folder.length) === 0x2f;
}

/** Takes off the segments that both end with. */
function findMount({ publicFolder, backendFolder }: FolderPair): FolderPair {
  const publicSegments = publicFolder.split('/');
  const backendSegments = backendFolder.split('/');
  while (publicSegments.length > 1 && backendSegments.length > 1 && publicSegments.at(-1) === backendSegments.at(-1)) {
    publicSegments.pop();
    backendSegments.pop();
  }
  return { publicFolder: publicSegments.join('/'), backendFolder: backendSegments.join('/') };
}
