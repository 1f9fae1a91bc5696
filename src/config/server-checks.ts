/** Rules between servers: whose a path is, and that a token for one is never good for another. RFC 8707 §2, RFC 9728 §3. */
import { closeRelation } from '../lib/close-relation.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import type { PathMap } from '../lib/path-map.ts';
import { normalizeHttpUri } from '../oauth/http-uri.ts';
import type { Draft } from './draft.ts';
import { checkGranted, knownScopes } from './login-grants.ts';
import { pathMapOf } from './path-map-of.ts';
import type { ServerView } from './schema.ts';
import type { NamedDraft } from './server-views.ts';

/** One that the schema takes. */
interface ReadServer extends NamedDraft {
  readonly view: ServerView;
}

const RESERVED = ['/health', '/ready', '/metrics', '/.well-known'];

export function checkServers(draft: Draft, servers: readonly ReadServer[]): void {
  const named = servers.filter(({ name }) => name !== undefined);
  if (named.length < servers.length) return checkSingle(servers);
  for (const server of servers) checkReserved(server);
  checkGranted(
    draft,
    servers.flatMap((server) => knownScopes(server.draft) ?? []),
  );
  for (const [index, server] of servers.entries()) {
    for (const other of servers.slice(0, index)) checkPair(draft, other, server);
  }
}

/** What only several can have means nothing to one. */
function checkSingle(servers: readonly ReadServer[]): void {
  for (const { draft, view } of servers) {
    if (view.idp?.dangerously_share_audiences !== true) continue;
    draft.report(['idp', 'dangerously_share_audiences'], 'needs servers; delete it');
  }
}

function checkReserved({ draft, view }: ReadServer): void {
  const { pathname } = new URL(view.resource.url);
  const reserved = RESERVED.find((path) => pathname === path || pathname.startsWith(`${path}/`));
  if (reserved === undefined) return;
  draft.report(['resource', 'url'], `lies at ${reserved}, where Obex itself answers; choose another path`);
}

function checkPair(whole: Draft, first: ReadServer, second: ReadServer): void {
  const [one, other] = [new URL(first.view.resource.url), new URL(second.view.resource.url)];
  if (one.host === other.host && withoutSlash(one) === withoutSlash(other)) {
    second.draft.report(['resource', 'url'], `is the place of servers.${first.name} too; choose another path`);
    return;
  }
  const mount = mountOf(second);
  if (one.host === other.host && mount !== undefined && mount === mountOf(first)) {
    const why = 'so that nobody could tell whose messages of MCP 2024-11-05 come there';
    second.draft.report(
      ['resource', 'url'],
      `is below ${mount}, as servers.${first.name} is, ${why}; choose another path`,
    );
  }
  checkBackends(first, second);
  const shared = sharedAudience(first.view, second.view);
  if (shared === undefined) return;
  if (second.view.idp?.dangerously_share_audiences === true) checkScopes(first, second);
  else {
    whole.report(
      ['servers', second.name ?? ''],
      `accepts tokens for ${JSON.stringify(shared)}, and so does servers.${first.name}: a token for one would be good for the other. ` +
        'Give each audiences of its own (resource.audiences; absent = its resource.url), or set idp.dangerously_share_audiences and ' +
        'have each require a scope that the other does not',
    );
  }
}

/** Two paths that differ by a final slash have one place in the metadata. */
function withoutSlash({ pathname }: URL): string {
  return pathname.replace(/\/$/, '');
}

/** What belongs to a server beside its own path, because its backend has another one. */
function mountOf(server: ReadServer): string | undefined {
  const map = mapOf(server);
  return map?.servesMount === true ? map.mount.publicFolder : undefined;
}

function mapOf({ name, view: { resource, backend } }: ReadServer): PathMap | undefined {
  return pathMapOf({ name, resource, backend });
}

/** Requests that one gate has judged must not come to what stands behind the other. */
function checkBackends(first: ReadServer, second: ReadServer): void {
  const [one, other] = [first.view.backend, second.view.backend];
  if (one.command.length + other.command.length > 0 || placeOf(one.url) !== placeOf(other.url)) return;
  const [folders, others] = [foldersOf(first), foldersOf(second)];
  if (!folders.some((folder) => others.some((each) => holds(folder, each) || holds(each, folder)))) return;
  second.draft.report(
    ['backend', 'url'],
    `and that of servers.${first.name} lead to one backend, where the paths of one hold those of the other: who may call the one could ` +
      'call the other. Give each a backend of its own, or paths of which none holds the other',
  );
}

/** All names of this machine are one. */
function placeOf({ protocol, hostname, port }: URL): string {
  return `${isLoopbackHost(hostname) ? 'localhost' : hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
}

/** As the most lenient backend would read them. */
function foldersOf(server: ReadServer): readonly string[] {
  return (mapOf(server)?.backendFolders ?? ['']).map((folder) => decode(folder).toLowerCase());
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function holds(folder: string, other: string): boolean {
  return `${other}/`.startsWith(`${folder}/`);
}

/** A token is for both if one issuer's audiences are. */
function sharedAudience(one: ServerView, other: ServerView): string | undefined {
  const others = audiencesOf(other);
  return audiencesOf(one)
    .flatMap((audiences, index) => audiences.filter((audience) => others[index]?.includes(audience) === true))
    .at(0);
}

/** By issuer, as they are compared: the resource's own URL in any spelling. */
function audiencesOf({ idp, resource }: ServerView): readonly (readonly string[])[] {
  if (idp === undefined) return [];
  return [idp, ...idp.additional_issuers].map(({ keys, audiences }) =>
    keys === 'login' || audiences.length === 0
      ? [normalizeHttpUri(resource.url) ?? resource.url]
      : audiences.map(spell),
  );
}

function spell(audience: string): string {
  return normalizeHttpUri(audience) ?? audience;
}

function checkScopes(first: ReadServer, second: ReadServer): void {
  for (const [one, other] of [
    [first, second],
    [second, first],
  ] as const) {
    const implied = closeRelation(one.view.authz.scope_implies);
    const needed = other.view.authz.required_scopes;
    const held = new Set([...needed, ...needed.flatMap((scope) => [...(implied.get(scope) ?? [])])]);
    if (one.view.authz.required_scopes.some((scope) => !held.has(scope))) continue;
    one.draft.report(
      ['authz', 'required_scopes'],
      `has no scope that servers.${other.name} does not require too, which idp.dangerously_share_audiences needs: what tokens for ` +
        'that one grant would do here. Require a scope of its own',
    );
  }
}
