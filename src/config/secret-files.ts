/** `<key>_file` twins: a secret read from a file, as Docker and Kubernetes mount them. */
import { LEAVES, LIST_ITEM } from './catalogue.ts';
import type { Draft } from './draft.ts';
import { formatPath, isRecord, type Path } from './path.ts';

export const TWIN_SUFFIX = '_file';

/** Paths of the values that have a twin of a fixed name; "[]" stands for every item of a list. */
export const SECRET_PATHS: readonly (readonly string[])[] = LEAVES.filter(
  ({ info }) => info.secret && info.kind !== 'map' && info.kind !== 'list',
).map(({ path }) => path);

/** Maps whose every value may be a secret. */
const MAPS = [
  ['backend', 'headers'],
  ['backend', 'env'],
];

/** Puts the content of the file in the place of each twin, without the line ends that close it. */
export function readSecretFiles(draft: Draft, readFile: (path: string) => string): void {
  for (const path of SECRET_PATHS.flatMap((pattern) => placesOf(draft, pattern))) readTwin(draft, path, readFile);
  for (const map of [...MAPS, ...MAPS.flatMap((path) => ofServers(draft, path))]) {
    const values = draft.valueAt(map);
    if (!isRecord(values)) continue;
    for (const name of Object.keys(values).filter((key) => key.endsWith(TWIN_SUFFIX))) {
      readTwin(draft, [...map, name.slice(0, -TWIN_SUFFIX.length)], readFile);
    }
  }
}

/** The same place of each server. */
function ofServers(draft: Draft, path: Path): readonly Path[] {
  const servers = draft.valueAt(['servers']);
  return isRecord(servers) ? Object.keys(servers).map((name) => ['servers', name, ...path]) : [];
}

/** The places of the draft that a pattern stands for. */
function placesOf(draft: Draft, pattern: readonly string[], above: Path = []): readonly Path[] {
  const at = pattern.indexOf(LIST_ITEM);
  if (at === -1) return [[...above, ...pattern]];
  const list = [...above, ...pattern.slice(0, at)];
  const items = draft.valueAt(list);
  if (!Array.isArray(items)) return [];
  return items.flatMap((_, index) => placesOf(draft, pattern.slice(at + 1), [...list, index]));
}

/** `['dpop', 'nonce_secret']` → `['dpop', 'nonce_secret_file']` */
export function twinOf(path: Path): Path {
  return [...path.slice(0, -1), `${path.at(-1)}${TWIN_SUFFIX}`];
}

function readTwin(draft: Draft, path: Path, readFile: (path: string) => string): void {
  const twin = twinOf(path);
  const file = draft.valueAt(twin);
  if (file === undefined) return;
  const given = draft.valueAt(path) !== undefined;
  draft.remove(twin);
  if (given)
    return draft.report(twin, `is given together with ${formatPath(draft.writtenPath(path))}; delete one of them`);
  draft.standIn(path, twin);
  draft.hide(path, 'the content of a file (not shown)');
  draft.set(path, readContent(draft, twin, { path, file, readFile }));
}

interface Twin {
  readonly path: Path;
  readonly file: unknown;
  readonly readFile: (path: string) => string;
}

function readContent(draft: Draft, twin: Path, { path, file, readFile }: Twin): string {
  const fail = (message: string | undefined) => {
    if (message !== undefined) draft.report(twin, message);
    draft.blame(path);
    return '';
  };
  if (draft.isAtFault(twin)) return fail(undefined);
  if (typeof file !== 'string' || file === '') return fail('expected the path of a file that holds the secret');
  try {
    return readFile(file).replace(/[\r\n]+$/, '');
  } catch (error) {
    // The secret itself, written where its file belongs, does not look like a path.
    const isShown = !draft.isHidden(twin) && /^[\w.~-]*\/[\w./~-]+$/.test(file);
    return fail(`cannot read ${isShown ? JSON.stringify(file) : 'the file'}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return typeof code === 'string' ? code : 'reading failed';
}
