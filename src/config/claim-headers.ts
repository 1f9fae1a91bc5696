/** What `backend.claim_headers` may hold: header names, and the claims that fill them. RFC 9110 §5.1, RFC 6901 §3. */
import * as z from 'zod/mini';
import { parseJsonPointer } from '../lib/json-pointer.ts';
import { cureDottedName } from './claim-name.ts';
import { parseFieldMap } from './field-map.ts';
import { NEEDED, RESERVED } from './field-name.ts';
import { described } from './leaf.ts';

/** What Obex says of the request itself. */
const OWN: ReadonlySet<string> = new Set([
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
]);
/** Credentials are no claims; `backend.headers` is for those of Obex. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie']);
const LONGEST_CLAIM = 256;
const MOST = 32;

function nameFault(folded: string): string | undefined {
  const reserved = RESERVED.get(folded);
  if (reserved !== undefined) return `cannot hold a claim: ${reserved}; choose another name`;
  if (folded.startsWith('x-obex-'))
    return 'cannot hold a claim: X-Obex-* are fields of Obex itself; choose another name';
  if (OWN.has(folded))
    return 'cannot hold a claim: Obex tells the backend by it where the request comes from; choose another name';
  if (CREDENTIALS.has(folded))
    return 'cannot hold a claim: it carries credentials; choose another name, and write credentials of Obex into backend.headers';
  if (NEEDED.has(folded))
    return 'cannot hold a claim: the backend needs it to understand the request; choose another name';
  return undefined;
}

function valueFault(value: unknown): string | undefined {
  if (typeof value !== 'string')
    return 'expected the name of a claim, such as "email", or a JSON pointer such as "/realm_access/roles"';
  if (value === '') return 'is empty; name a claim, such as "email"';
  if (value.length > LONGEST_CLAIM) return `must not be longer than ${LONGEST_CLAIM} characters`;
  if (/\p{Cc}/u.test(value) || !value.isWellFormed())
    return 'must have no control characters; copy the name from a token';
  // Else the header would never be there, and nobody would know why.
  const cure = cureDottedName(value);
  if (cure !== undefined) return `a claim inside another is named by a JSON pointer; ${cure}`;
  if (parseJsonPointer(value) === undefined)
    return 'is no JSON pointer (RFC 6901): "~" must be written ~0, and a "/" within a name ~1';
  return undefined;
}

const parse = parseFieldMap({
  wanted: 'expected header names with claims, such as { X-Forwarded-Email: email, X-Groups: /groups }',
  nameFault,
  valueFault,
});

const parsed = z.pipe(z.unknown(), z.transform(parse)).check(({ value, issues }) => {
  if (Object.keys(value).length > MOST) {
    issues.push({ code: 'custom', input: value, message: `names more than ${MOST} headers; delete some` });
  }
});

/** The schema of `backend.claim_headers`. */
export const claimHeaders = described(parsed, {
  kind: 'map',
  json: { type: 'object', additionalProperties: { type: 'string' } },
  default: {},
  example: { 'X-Forwarded-Email': 'email', 'X-Groups': '/groups' },
  meaning:
    'Headers that tell the backend claims of the token: the name of a claim, or a JSON pointer to one further inside ' +
    '(`/realm_access/roles`, RFC 6901). What a client sends of that name never passes. An absent claim is an absent header; lists ' +
    'are joined by commas; at most 4 KiB each ([your-backend.md](your-backend.md#more-of-the-token)). Needs `idp`. Not ' +
    '`X-Obex-*`, `Forwarded`, `X-Forwarded-For`, `-Host`, `-Proto`, `-Port`, `Authorization`, `Cookie`, framing, hop-by-hop, what MCP ' +
    'needs, nor a name of `backend.headers`.',
});
