/** URLs of the config: what may stand in each. RFC 8414 §2 (issuer), RFC 9728 §1.2 (resource), RFC 8252 §8.3 (loopback). */
import { isLoopbackHost } from '../lib/loopback.ts';
import { parseRedisUrl as parse } from '../lib/redis-url.ts';
import { Refused, refuse, refuseSilently } from './refused.ts';

const AUTHORITY_ONLY = /^https?:\/\/[^/?#]+\/?$/i;

/** An http or https URL without credentials, written in plain ASCII so that comparing text is comparing URLs. */
function parseHttpUrl(value: unknown, example: string): URL | Refused {
  const wanted = `expected a URL such as "${example}"`;
  if (typeof value !== 'string' || !/^https?:\/\/[^/?#]/i.test(value)) return refuse(wanted, value);
  if (/[^\x21-\x7e]|\\/.test(value)) {
    return refuse(wanted, value, 'no spaces and backslashes in it, and letters beyond ASCII percent-encoded');
  }
  const url = URL.parse(value);
  if (url === null) return refuse(wanted, value);
  // "https://@host" parses with an empty user name, so the text is asked too.
  if (/^https?:\/\/[^/?#]*@/i.test(value))
    return refuseSilently('must not hold a user name or password; delete all up to the "@"');
  return url;
}

/** `obex.public_url`: scheme and authority, https unless loopback. */
export function parsePublicUrl(value: unknown): URL | Refused {
  const url = parseHttpUrl(value, 'https://my-tool.example.com');
  if (url instanceof Refused) return url;
  if (!AUTHORITY_ONLY.test(String(value))) {
    return refuse('must be scheme and host only', value, `write "${url.origin}"; a path belongs in resource.url`);
  }
  return secure(url)
    ? url
    : refuse('must begin with https:// unless the host is localhost or a loopback address', value);
}

/** `backend.url`: scheme and authority, http or https. */
export function parseBackendUrl(value: unknown): URL | Refused {
  const url = parseHttpUrl(value, 'http://localhost:9090');
  if (url instanceof Refused || AUTHORITY_ONLY.test(String(value))) return url;
  return refuse(
    'must be scheme, host and port only',
    value,
    `write "${url.origin}"; paths of requests are passed on as they are`,
  );
}

/** `resource.url`, kept as written: tokens and clients compare it as text. RFC 9728 §1.2, RFC 8707 §2: no fragment. */
export function parseResourceUrl(value: unknown): string | Refused {
  const url = parseHttpUrl(value, 'https://my-tool.example.com/mcp');
  if (url instanceof Refused) return url;
  if (String(value).includes('#')) return refuse('must not have a fragment', value, 'delete all from the "#" on');
  return secure(url)
    ? String(value)
    : refuse('must begin with https:// unless the host is localhost or a loopback address', value);
}

/** `issuer`, kept as written. RFC 8414 §2: no query, no fragment. Whether http may be used is a cross-check. */
export function parseIssuer(value: unknown): string | Refused {
  const url = parseHttpUrl(value, 'https://auth.your-company.com/');
  if (url instanceof Refused) return url;
  if (/[?#]/.test(String(value)))
    return refuse('must have no query and no fragment', value, 'copy `iss` from one of its tokens');
  return String(value);
}

/** `jwks_uri`, kept as written. Whether http may be used is a cross-check. */
export function parseJwksUri(value: unknown): string | undefined | Refused {
  if (value === '') return undefined;
  const url = parseHttpUrl(value, 'https://auth.your-company.com/.well-known/jwks.json');
  if (url instanceof Refused) return url;
  return String(value).includes('#')
    ? refuse('must not have a fragment', value, 'delete all from the "#" on')
    : String(value);
}

/** `dpop.replay_cache.redis.url`: `redis://` or `rediss://`; may hold a password, so it is never shown. */
export function parseRedisUrl(value: unknown): string | Refused {
  if (value === '') return '';
  if (typeof value === 'string' && parse(value) !== undefined) return value;
  return refuseSilently(
    'expected "redis://host:6379/0", or "rediss://…" for TLS, "redis+sentinel://host1,host2/master-name", ' +
      '"redis+cluster://host1,host2"; a password stands before the host: "redis://:password@…"',
  );
}

function secure(url: URL): boolean {
  return url.protocol === 'https:' || isLoopbackHost(url.hostname);
}
