/** Scopes in the config: single ones, the claims that hold them, their prefix, what they imply. RFC 6749 §3.3, RFC 6901 §3. */
import * as z from 'zod/mini';
import { parseJsonPointer } from '../lib/json-pointer.ts';
import { cureDottedName } from './claim-name.ts';
import { described, leaf } from './leaf.ts';
import { isRecord } from './path.ts';
import { Refused, refuse, refuseSilently } from './refused.ts';

const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
const WANTED = 'expected a scope such as mcp:read: printable ASCII without space, quote and backslash';

/** RFC 6749 §3.3: scope-token. */
export function parseScope(value: unknown): string | Refused {
  if (typeof value === 'string' && SCOPE_TOKEN.test(value)) return value;
  if (typeof value === 'string' && /^\S+( \S+)+$/.test(value))
    return refuse('expected one scope per list item', value, `write [${value.split(' ').join(', ')}]`);
  return refuse(WANTED, value);
}

function parseChallengeScope(value: unknown): string | Refused {
  if (value !== 'offline_access') return parseScope(value);
  const cure = 'clients ask for it by themselves when they want a refresh token; delete it';
  return refuse('is between client and IdP (RFC 9728 §2)', value, cure);
}

function parseScopePrefix(value: unknown): string | Refused {
  if (value === '' || (typeof value === 'string' && SCOPE_TOKEN.test(value))) return value;
  return refuse('expected what stands before scopes, such as "api://APP-ID/"', value);
}

/** The name of a claim, or a JSON pointer. */
export function parseClaim(value: unknown): string | Refused {
  if (typeof value !== 'string') return refuse('expected the name of a claim, such as scp', value);
  if (value === '') return refuseSilently('is empty; for example "scp"');
  const cure = cureDottedName(value);
  if (cure !== undefined) return refuse('a claim inside another is named by a JSON pointer', value, cure);
  return parseJsonPointer(value) === undefined
    ? refuse(
        'expected a JSON pointer',
        value,
        'write "~0" for "~" and "~1" for a slash that belongs to a name (RFC 6901 §3)',
      )
    : value;
}

const text = { kind: 'string', json: { type: 'string' } } as const;

export const scope = leaf({ ...text, meaning: 'Scope token.' }, parseScope);
export const challengeScope = leaf({ ...text, meaning: 'Scope token.' }, parseChallengeScope);
export const claim = leaf({ ...text, meaning: 'Name of a claim, or JSON pointer to one.' }, parseClaim);
export const scopePrefix = leaf(
  {
    ...text,
    default: '',
    example: 'api://00001111-aaaa-2222-bbbb-3333cccc4444/',
    meaning:
      'Put before the scopes in challenges and metadata, for an IdP that wants them asked for in full (Entra), but for those of ' +
      'OpenID Connect (`openid`, `profile`, `email`, `address`, `phone`, `offline_access`). Taken off where tokens are read; ' +
      'a token without it means the same, so let no other API of the IdP have scopes of these names in tokens for this audience.',
  },
  parseScopePrefix,
);

/** Scope → scopes. Adds one issue for each bad scope. */
function parseImplications(
  given: unknown,
  { issues }: z.core.ParsePayload,
): Readonly<Record<string, readonly string[]>> {
  const value = given ?? {};
  const fail = ({ refusal }: Refused, path: (string | number)[]): void =>
    void issues.push({ code: 'custom', input: value, message: refusal.message, params: { ...refusal }, path });
  const parseItem = (item: unknown, path: (string | number)[]): string[] => {
    const parsed = parseScope(item);
    if (!(parsed instanceof Refused)) return [parsed];
    fail(parsed, path);
    return [];
  };
  if (!isRecord(value)) {
    fail(refuse('expected scopes with lists of scopes, such as { mcp:admin: [mcp:read, mcp:write] }', value), []);
    return z.NEVER;
  }
  const implications = Object.entries(value).map(([name, implied]) => {
    if (!SCOPE_TOKEN.test(name)) fail(refuse(WANTED, name), [name]);
    const items: readonly unknown[] = Array.isArray(implied) ? implied : [];
    if (items.length === 0) fail(refuse('expected a list of scopes, such as [mcp:read]', implied), [name]);
    return [name, items.flatMap((item, index) => parseItem(item, [name, index]))] as const;
  });
  return Object.fromEntries(implications);
}

export const scopeImplications = described(z.pipe(z.unknown(), z.transform(parseImplications)), {
  kind: 'map',
  json: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
  default: {},
  example: { 'mcp:admin': ['mcp:read', 'mcp:write'] },
  meaning:
    'Scopes that grant others: a token with the first holds those of its list too, over any number of steps, for ' +
    '`required_scopes` and in `X-Obex-Scopes`.',
});
