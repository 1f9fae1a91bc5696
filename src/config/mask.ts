/** The effective config as YAML that can be loaded again, with secrets masked. */
import { stringify } from 'yaml';
import * as z from 'zod/mini';
import { writeUrl } from '../lib/written-url.ts';
import { unwrapSchema } from './catalogue.ts';
import { type LeafInfo, leaves } from './leaf.ts';
import type { ListenAddress } from './listen.ts';
import { formatListen } from './listen.ts';
import { isRecord } from './path.ts';
import { HTTP_KEYS, PROGRAM_KEYS } from './program-checks.ts';
import { type Config, type OneServer, sections } from './schema.ts';
import { formatDuration, formatSize } from './units.ts';

const MASK = '***';

/** Every key with its value, defaults included, units written out; no secret. */
export function formatEffectiveConfig(config: Config): string {
  const { servers, ...common } = config;
  const { dpop: _dpop, ...withoutTokens } = common;
  const [only] = servers;
  const hasTokens = config.idp !== undefined;
  // What needs idp may not stand in a config without it.
  const shared = config.idp === undefined ? withoutTokens : { ...common, idp: writtenIssuers(config.idp) };
  const { authz: _authz, ...anonymous } = only;
  const single = { ...(hasTokens ? only : anonymous), ...shared };
  const tree = written(only.name === undefined ? single : shared, sections);
  if (!isRecord(tree)) return stringify(tree);
  const named = servers.map((server) => [server.name, writtenServer(server, hasTokens)]);
  const own = only.name === undefined ? { backend: writtenBackend(tree['backend'], only) } : Object.fromEntries(named);
  return stringify(only.name === undefined ? { ...tree, ...own } : withServers(tree, own), { lineWidth: 0 });
}

/** They stand where the sections do that each of them has. */
function withServers(tree: Readonly<Record<string, unknown>>, servers: unknown): unknown {
  const entries = Object.entries({ ...tree, servers });
  const order = Object.keys(sections.shape);
  return Object.fromEntries(entries.toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other)));
}

function writtenServer(server: OneServer, hasTokens: boolean): unknown {
  const { resource, backend, authz, limits } = server;
  const {
    resource: resourceSection,
    backend: backendSection,
    authz: authzSection,
    limits: limitsSection,
  } = sections.shape;
  const own = written(limits, limitsSection);
  return {
    resource: written(resource, resourceSection),
    backend: writtenBackend(written(backend, backendSection), server),
    ...(hasTokens && { authz: written(authz, authzSection) }),
    limits: isRecord(own) ? Object.fromEntries(Object.entries(own).filter(([key]) => key in limits)) : own,
  };
}

/** A URL, or a program: what belongs to the other may not stand beside it. */
function writtenBackend(tree: unknown, { backend }: OneServer): unknown {
  const foreign = backend.command.length === 0 ? PROGRAM_KEYS : HTTP_KEYS;
  return isRecord(tree) ? Object.fromEntries(Object.entries(tree).filter(([key]) => !foreign.includes(key))) : tree;
}

/** Obex itself is an issuer by `login`, and could not be written as one besides. */
function writtenIssuers(idp: NonNullable<Config['idp']>): unknown {
  if (idp.keys === 'login') return undefined;
  const additional = idp.additional_issuers.filter(({ keys }) => keys === 'fetched');
  const whole = { ...idp, additional_issuers: additional.map(withoutDerived) };
  return withoutDerived(whole);
}

/** Where a preset says something else for each server there is nothing to be written. */
function withoutDerived(issuer: { readonly scope_claims: readonly string[] }): unknown {
  const { scope_claims: claims, ...rest } = issuer;
  return claims.length === 0 ? rest : issuer;
}

/** A parsed value as a person would write it. Absent values are left out. */
function written(value: unknown, schema: z.core.$ZodType): unknown {
  const info = leaves.get(schema);
  const inner = unwrapSchema(schema);
  if (info !== undefined && info.kind !== 'list') return writtenLeaf(value, info);
  if (Array.isArray(value))
    return value.map((item: unknown) => (inner instanceof z.ZodMiniArray ? written(item, inner.def.element) : item));
  if (!isRecord(value) || !(inner instanceof z.ZodMiniObject)) return value;
  const entries = Object.entries(inner.shape).map(([key, child]) => [key, written(value[key], child)]);
  return Object.fromEntries(entries.filter(([, child]) => child !== undefined));
}

function writtenLeaf(value: unknown, info: LeafInfo): unknown {
  // Of an empty metrics.listen nothing is left but that it is empty.
  if (value === undefined) return info.default;
  if (info.secret) return masked(value);
  if (typeof value === 'number' && info.kind === 'duration') return formatDuration(value);
  if (typeof value === 'number' && info.kind === 'size') return formatSize(value);
  if (info.kind === 'address' && isAddress(value)) return formatListen(value);
  if (info.kind === 'URL' && typeof value === 'string') return value.replace(/\?.*$/s, `?${MASK}`);
  return value instanceof URL ? writeUrl(value) : value;
}

function isAddress(value: unknown): value is ListenAddress {
  return isRecord(value) && ('path' in value || 'port' in value);
}

/** Of the URL of a Redis the password is masked, of a map every value, of anything else all of it. */
function masked(value: unknown): unknown {
  if (isRecord(value)) return Object.fromEntries(Object.keys(value).map((name) => [name, MASK]));
  // A secret that happens to look like some URL is no less a secret.
  const url = typeof value === 'string' && /^rediss?(?:\+\w+)?:\/\//.test(value) ? URL.parse(value) : null;
  if (url === null) return value === '' ? value : MASK;
  if (url.password !== '') url.password = MASK;
  // A query may hold credentials too.
  if (url.search !== '') url.search = MASK;
  return url.href;
}
