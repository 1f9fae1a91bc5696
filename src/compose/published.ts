/** What several servers publish, each under its own authority: what one says never stands for another. RFC 9728 §3.1. */
import { deny } from '../oauth/denial.ts';
import type { Endpoint, Endpoints } from '../server/endpoint.ts';
import { respondDenial } from '../server/respond.ts';
import type { ServerParts } from './server.ts';

type Published = Pick<ServerParts, 'resourceUrl' | 'endpoints'>;

/** An authority that no server claims is that of `publicUrl`. */
export function joinEndpoints(servers: readonly Published[], publicUrl: URL): Endpoints {
  const hosts = new Set(servers.map(({ resourceUrl }) => resourceUrl.host));
  const all = servers.flatMap(({ endpoints, resourceUrl: { host } }) =>
    endpoints.map(([path, endpoint]) => ({ path, endpoint, host })),
  );
  if (hosts.size < 2) return all.map(({ path, endpoint }) => [path, endpoint]);
  const names = new Map(servers.flatMap(({ resourceUrl }) => spellingsOf(resourceUrl)));
  const hostOf = (authority: string): string => names.get(authority.toLowerCase()) ?? publicUrl.host;
  return [...Map.groupBy(all, ({ path }) => path)].map(([path, entries]) => {
    const byHost = new Map(entries.map(({ host, endpoint }) => [host, endpoint]));
    return [path, selectByHost(byHost, hostOf)];
  });
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': ':80', 'https:': ':443' };

/** With and without the default port. */
function spellingsOf({ host, port, protocol }: URL): readonly (readonly [name: string, host: string])[] {
  return port === ''
    ? [
        [host, host],
        [host + (DEFAULT_PORTS[protocol] ?? ''), host],
      ]
    : [[host, host]];
}

/** They differ by what they say alone. */
function selectByHost(byHost: ReadonlyMap<string, Endpoint>, hostOf: (authority: string) => string): Endpoint {
  const [any] = byHost.values();
  if (any === undefined) throw new TypeError('a path at which nothing is published');
  return {
    ...any,
    respond: (life) => {
      const endpoint = byHost.get(hostOf(life.exchange.head.authority));
      if (endpoint === undefined) respondDenial(life, deny('not_found'));
      else endpoint.respond(life);
    },
  };
}
