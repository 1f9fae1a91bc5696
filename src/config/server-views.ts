/** `servers` → a view for each: the configuration as it would be written if that server were the only one. */
import type { Draft } from './draft.ts';
import { isRecord, type Path } from './path.ts';
import { read } from './read-value.ts';
import { sections } from './schema.ts';
import { SERVER_LIMITS, SERVER_NAME, SERVER_SECTIONS } from './sections/servers.ts';
import { nearest } from './suggest.ts';

/** Undefined name: the only one, which is written at the top level. */
export interface NamedDraft {
  readonly name: string | undefined;
  readonly draft: Draft;
}

const SERVERS = 'servers';
/** What a server has alone, and what it has over the shared section. */
const ALONE = ['backend', 'resource'];
const OVER_SHARED = ['authz', 'limits'];

/** One view of the whole where there are no `servers`; none where they cannot be read, which has been reported. */
export function viewServers(draft: Draft): readonly NamedDraft[] {
  const servers = draft.valueAt([SERVERS]);
  if (servers === undefined) return [{ name: undefined, draft }];
  if (!isRecord(servers)) {
    draft.reportRefusal([SERVERS], { message: 'expected a map of servers by name', got: { value: servers } });
    return [];
  }
  const names = Object.keys(servers);
  if (names.length === 0)
    draft.report([SERVERS], 'is empty; name a server, or delete it and write backend and resource');
  for (const section of ALONE) {
    if (draft.valueAt([section]) === undefined) continue;
    draft.report([section], `stands beside servers, of which each has its own; move it to servers.NAME.${section}`);
  }
  return names.filter((name) => isServer(draft, name)).map((name) => ({ name, draft: viewServer(draft, name) }));
}

function isServer(draft: Draft, name: string): boolean {
  const path = [SERVERS, name];
  const entry = draft.valueAt(path);
  if (!SERVER_NAME.test(name)) {
    draft.report(path, 'is no name of a server: lower-case letters, digits and "-", at most 63, a letter first');
  }
  if (!isRecord(entry)) {
    draft.reportRefusal(path, {
      message: 'expected a map of keys',
      got: { value: entry },
      cure: 'write { backend: { url: "http://localhost:9090" } }',
    });
    return false;
  }
  for (const key of Object.keys(entry)) checkKey(draft, [...path, key]);
  const limits = entry['limits'];
  if (isRecord(limits)) for (const key of Object.keys(limits)) checkLimit(draft, [...path, 'limits', key]);
  return true;
}

function checkKey(draft: Draft, path: Path): void {
  const key = String(path.at(-1));
  if (SERVER_SECTIONS.some((section) => section === key)) return;
  const [similar] = nearest(key, SERVER_SECTIONS);
  const isShared = key in sections.shape;
  const cure = similar === undefined ? `a server has ${SERVER_SECTIONS.join(', ')}` : `did you mean ${similar}?`;
  draft.report(path, isShared ? `is for all servers; write it at the top level` : `unknown key; ${cure}`);
}

function checkLimit(draft: Draft, path: Path): void {
  const key = String(path.at(-1));
  if (SERVER_LIMITS.some((limit) => limit === key) || !(key in sections.shape.limits.def.out.shape)) return;
  draft.report(path, 'is for all servers; write it in limits at the top level');
}

function viewServer(draft: Draft, name: string): Draft {
  const { [SERVERS]: _servers, ...root } = structuredClone(isRecord(draft.root) ? draft.root : {});
  const entry = structuredClone(draft.valueAt([SERVERS, name]));
  const own = isRecord(entry) ? entry : {};
  for (const section of ALONE) {
    delete root[section];
    if (own[section] !== undefined) root[section] = own[section];
  }
  for (const section of OVER_SHARED) {
    const [shared, ours] = [root[section], own[section]];
    if (isRecord(ours) && (isRecord(shared) || shared === undefined)) root[section] = { ...shared, ...ours };
    else if (Object.hasOwn(own, section) && ours !== null) root[section] = ours;
  }
  const view = draft.view(root, (path) => placeOf(path, { name, own, shared: draft.root }));
  fillResourceUrl(view, name);
  return view;
}

interface Place {
  readonly name: string;
  readonly own: Readonly<Record<string, unknown>>;
  readonly shared: unknown;
}

function placeOf(path: Path, { name, own, shared }: Place): Path {
  const [section = '', key] = path;
  const placed = [SERVERS, name, ...path];
  if (ALONE.includes(String(section))) return placed;
  if (!OVER_SHARED.includes(String(section))) return path;
  const ours = own[section];
  if (key !== undefined) return isRecord(ours) && Object.hasOwn(ours, key) ? placed : path;
  const isShared = isRecord(shared) && shared[section] !== undefined;
  return ours !== undefined && !(isRecord(ours) && isShared) ? placed : path;
}

/** `public_url` + `/NAME/mcp` */
function fillResourceUrl(view: Draft, name: string): void {
  const path = ['resource', 'url'];
  if (view.valueAt(path) !== undefined || view.isAtFault(path)) return;
  const publicUrl = read(view, ['obex', 'public_url'], sections.shape.obex.def.out.shape.public_url);
  if (publicUrl === undefined) return view.blame(path);
  view.set(path, `${publicUrl.origin}/${name}/mcp`);
}
