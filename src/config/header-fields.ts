/** What `backend.headers` may hold. RFC 9110 §5.1 (names), §5.5 (values). */
import * as z from 'zod/mini';
import { parseFieldMap } from './field-map.ts';
import { RESERVED } from './field-name.ts';
import { described } from './leaf.ts';

/** Visible ASCII, spaces and tabs inside only: what every recipient reads alike. */
const FIELD_VALUE = /^[\x21-\x7e]+([ \t]+[\x21-\x7e]+)*$/;

/** Why a field may not be added; undefined = it may. */
function nameFault(folded: string): string | undefined {
  const reserved = RESERVED.get(folded);
  if (reserved !== undefined) return `cannot be set: ${reserved}; delete it`;
  if (folded.startsWith('x-obex-'))
    return 'cannot be set: X-Obex-* carries the identity that Obex has verified; choose another name';
  if (folded.startsWith('x-forwarded-'))
    return 'cannot be set: Obex sets X-Forwarded-* from the request and public_url; delete it';
  return undefined;
}

/** Why a value may not be sent; undefined = it may. Never quotes it: it is a secret. */
function valueFault(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'expected a text; put the value in quotes';
  if (value === '') return 'is empty; give it a value, or delete it';
  if (FIELD_VALUE.test(value)) return undefined;
  if (/[\r\n\0]/.test(value)) return 'must be one line without control characters (the value is not shown)';
  if (value !== value.trim())
    return 'must not begin or end with a space; is a variable in it empty? (the value is not shown)';
  return 'must be plain ASCII (the value is not shown)';
}

const parseFields = parseFieldMap({
  wanted: 'expected header names with values, such as { X-API-Key: "${API_KEY}" }',
  nameFault,
  valueFault,
});

/** The schema of `backend.headers`. */
export const headerFields = described(z.pipe(z.unknown(), z.transform(parseFields)), {
  kind: 'map',
  json: { type: 'object', additionalProperties: { type: 'string' } },
  default: {},
  secret: true,
  meaning:
    "Headers added to every request to the backend, last, replacing those of the same name; the place for the backend's own " +
    'credentials: `Authorization: "Bearer ${MY_SECRET}"`, or `Authorization_file: /run/secrets/backend` to read the value ' +
    'from a file. Not Host, framing, hop-by-hop, `X-Forwarded-*` or `X-Obex-*`.',
});
