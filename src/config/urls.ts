/** URLs of the config: what may stand in each. RFC 8414 §2 (issuer), RFC 9728 §1.2 (resource), RFC 8252 §8.3 (loopback). */
import { isAmbiguousPath } from '../lib/ambiguous-path.ts';
import { parseRedisUrl as parse } from '../lib/redis-url.ts';
import { isSecureUrl } from '../lib/secure-url.ts';
import { Refused, refuse, refuseSilently } from './refused.ts';

/** "https://@host" parses with an empty user name, so the text is asked. */
const USERINFO = /^https?:\/\/[^/?#]*@/i;
const ISSUER_EXAMPLE = 'https://auth.your-company.com/';
const ISSUER_WANTED = `expected a URL such as "${ISSUER_EXAMPLE}"`;
const AUTHORITY_ONLY = /^https?:\/\/[^/?#]+\/?$/i;
const PATH_AND_REST = /^https?:\/\/[^/?#]+([^?#]*)(.*)$/is;
/** RFC 3986 §3.3, path-abempty. */
const PATH = /^(?:[/A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})+$/;

/** An http or https URL without credentials, written in plain ASCII so that comparing text is comparing URLs. */
function parseHttpUrl(value: unknown, example: string): URL | Refused {
  const wanted = `expected a URL such as "${example}"`;
  if (typeof value !== 'string' || !/^https?:\/\/[^/?#]/i.test(value)) return refuse(wanted, value);
  if (/[^\x21-\x7e]|\\/.test(value)) {
    return refuse(wanted, value, 'no spaces and backslashes in it, and letters beyond ASCII percent-encoded');
  }
  const url = URL.parse(value);
  if (url === null) return refuse(wanted, value);
  if (USERINFO.test(value)) return refuseSilently('must not hold a user name or password; delete all up to the "@"');
  return url;
}

/** `obex.public_url`: scheme and authority, https unless loopback. */
export function parsePublicUrl(value: unknown): URL | Refused {
  const url = parseHttpUrl(value, 'https://my-tool.example.com');
  if (url instanceof Refused) return url;
  if (!AUTHORITY_ONLY.test(String(value))) {
    return refuse('must be scheme and host only', value, `write "${url.origin}"; a path belongs in resource.url`);
  }
  return isSecureUrl(url)
    ? url
    : refuse('must begin with https:// unless the host is localhost or a loopback address', value);
}

/** `backend.url`: scheme, authority and path, http or https. */
export function parseBackendUrl(value: unknown): URL | Refused {
  const url = parseHttpUrl(value, 'http://localhost:9090');
  if (url instanceof Refused || AUTHORITY_ONLY.test(String(value))) return url;
  const [, path = '', rest = ''] = PATH_AND_REST.exec(String(value)) ?? [];
  if (rest !== '') {
    const cure = rest.startsWith('?') ? 'delete all from the "?" on' : 'delete all from the "#" on';
    return refuse('must not have a query or a fragment', value, cure);
  }
  if (isAmbiguousPath(path)) {
    return refuse('must have no empty segment, dots or encoded slash in its path', value, 'write the path in full');
  }
  if (!PATH.test(path)) return refuse('has a path that is none (RFC 3986 §3.3)', value, `write "${url.href}"`);
  return url;
}

/** `resource.url`, kept as written: tokens and clients compare it as text. RFC 9728 §1.2, RFC 8707 §2: no fragment. */
export function parseResourceUrl(value: unknown): string | Refused {
  const url = parseHttpUrl(value, 'https://my-tool.example.com/mcp');
  if (url instanceof Refused) return url;
  if (String(value).includes('#')) return refuse('must not have a fragment', value, 'delete all from the "#" on');
  return isSecureUrl(url)
    ? String(value)
    : refuse('must begin with https:// unless the host is localhost or a loopback address', value);
}

/** `issuer`, kept as written: any text, as `iss` is (RFC 7519 §2). Whether it must be a URL is a cross-check. */
export function parseIssuer(value: unknown): string | Refused {
  if (typeof value !== 'string' || value === '') return refuse(ISSUER_WANTED, value);
  if (USERINFO.test(value)) return refuseSilently('must not hold a user name or password; delete all up to the "@"');
  if (/\p{Cc}/u.test(value) || !value.isWellFormed()) {
    return refuse('must have no control characters', value, 'copy `iss` from one of its tokens');
  }
  if (!value.includes('{')) return value;
  return refuse(
    '"{" stands for many tenants, so that tokens of none would fit',
    value,
    'write the issuer of your own tenant, which is `iss` in its tokens',
  );
}

/** One of `issuer_aliases`: as an issuer, and what looks like a pattern would be taken literally. */
export function parseIssuerAlias(value: unknown): string | Refused {
  const issuer = parseIssuer(value);
  if (issuer instanceof Refused || !issuer.includes('*')) return issuer;
  return refuse('must be one whole value of `iss`: patterns are not taken', value, 'name every tenant by itself');
}

/** One of `resource.authorization_servers`, kept as written. Whether http may be used is a cross-check. */
export function parseAuthorizationServer(value: unknown): string | Refused {
  const issuer = parseIssuer(value);
  if (issuer instanceof Refused) return issuer;
  const url = parseHttpUrl(issuer, ISSUER_EXAMPLE);
  if (url instanceof Refused) return url;
  return /[?#]/.test(issuer) ? refuse('must have no query and no fragment (RFC 8414 §2)', issuer) : issuer;
}

/** An `issuer` whose keys are to be discovered. RFC 8414 §2: a URL without query and fragment; http is a cross-check. */
export function parseDiscoverableIssuer(issuer: string): URL | Refused {
  const url = parseHttpUrl(issuer, ISSUER_EXAMPLE);
  if (url instanceof Refused) {
    const { refusal } = url;
    return new Refused({ cure: 'with jwks_uri it may be any text that tokens have in `iss`', ...refusal });
  }
  return /[?#]/.test(issuer)
    ? refuse('must have no query and no fragment', issuer, 'copy `iss` from one of its tokens')
    : url;
}

/** `jwks_uri`, kept as written. Whether http may be used is a cross-check. */
export function parseJwksUri(value: unknown): string | undefined | Refused {
  return parseEndpoint(value, 'https://auth.your-company.com/.well-known/jwks.json');
}

/** `introspection.endpoint`, kept as written. Whether http may be used is a cross-check. */
export function parseIntrospectionEndpoint(value: unknown): string | undefined | Refused {
  return parseEndpoint(value, 'https://auth.your-company.com/introspect');
}

function parseEndpoint(value: unknown, example: string): string | undefined | Refused {
  if (value === '') return undefined;
  const url = parseHttpUrl(value, example);
  if (url instanceof Refused) return url;
  if (String(value).includes('{')) {
    return refuse('"{" stands for something that must be filled in', value, 'write the URL of your own tenant');
  }
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
