/** URLs of a Redis: one server, one watched by sentinels, or a cluster. IANA `redis` scheme, and the forms documented here. */

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

export interface RedisCredentials {
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Where Redis is and how to speak to it. */
export interface RedisUrl {
  readonly kind: 'server' | 'sentinel' | 'cluster';
  readonly tls: boolean;
  /** The server, the sentinels, or some nodes of the cluster. */
  readonly addresses: readonly RedisAddress[];
  readonly credentials: RedisCredentials;
  /** Of the sentinels themselves. */
  readonly sentinelCredentials: RedisCredentials;
  /** The name under which sentinels know the master; empty for the other kinds. */
  readonly masterName: string;
  readonly database: number;
}

const URL_FORM =
  /^(redis|rediss)(?:\+(sentinel|cluster))?:\/\/(?:([^:@/?#]*)(?::([^@/?#]*))?@)?([^@/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/;
const ADDRESS = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?$/;
const DEFAULT_PORT = 6379;
const DEFAULT_SENTINEL_PORT = 26_379;
const SENTINEL_PARAMETERS = new Set(['sentinel_username', 'sentinel_password']);

/**
 * Reads, with `rediss` for TLS and percent-encoding in user, password and name:
 * `redis://[user][:password]@host[:6379][/database]`,
 * `redis+sentinel://[user][:password]@host[:26379],host…/master-name[/database][?sentinel_username=…&sentinel_password=…]`,
 * `redis+cluster://[user][:password]@host[:6379],host…`.
 * Undefined for anything else.
 */
export function parseRedisUrl(text: string): RedisUrl | undefined {
  const match = URL_FORM.exec(text);
  if (match === null) return undefined;
  const [, scheme, topology, username, password, hosts = '', path = '', query = ''] = match;
  const kind = topology === 'sentinel' || topology === 'cluster' ? topology : 'server';
  const addresses = parseAddresses(hosts, kind === 'sentinel' ? DEFAULT_SENTINEL_PORT : DEFAULT_PORT);
  const parameters = new URLSearchParams(query);
  const place = parsePath(path, kind);
  const credentials = parseCredentials(username, password);
  if (addresses === undefined || place === undefined || credentials === undefined) return undefined;
  if (kind === 'server' && addresses.length > 1) return undefined;
  if ([...parameters.keys()].some((name) => kind !== 'sentinel' || !SENTINEL_PARAMETERS.has(name))) return undefined;
  const sentinelCredentials = {
    username: parameters.get('sentinel_username') ?? undefined,
    password: parameters.get('sentinel_password') ?? undefined,
  };
  return { kind, tls: scheme === 'rediss', addresses, credentials, sentinelCredentials, ...place };
}

function parseAddresses(hosts: string, defaultPort: number): readonly RedisAddress[] | undefined {
  const addresses: RedisAddress[] = [];
  for (const text of hosts.split(',')) {
    const [, ipv6, name, digits] = ADDRESS.exec(text) ?? [];
    const host = ipv6 ?? name;
    const port = digits === undefined ? defaultPort : Number(digits);
    if (host === undefined || port < 1 || port > 65_535) return undefined;
    addresses.push({ host, port });
  }
  return addresses;
}

function parseCredentials(username: string | undefined, password: string | undefined): RedisCredentials | undefined {
  const user = decode(username ?? '');
  const secret = decode(password ?? '');
  if (user === undefined || secret === undefined) return undefined;
  return { username: user === '' ? undefined : user, password: secret === '' ? undefined : secret };
}

function parsePath(path: string, kind: RedisUrl['kind']): Pick<RedisUrl, 'masterName' | 'database'> | undefined {
  const segments = path.split('/').slice(1);
  const masterName = kind === 'sentinel' ? decode(segments.shift() ?? '') : '';
  const [digits = '', ...rest] = segments;
  if (masterName === undefined || (kind === 'sentinel' && masterName === '')) return undefined;
  // A cluster has one database.
  if (rest.length > 0 || !/^\d{0,5}$/.test(digits) || (kind === 'cluster' && Number(digits) > 0)) return undefined;
  return { masterName, database: Number(digits) };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
