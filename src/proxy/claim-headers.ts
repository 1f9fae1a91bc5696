/** Claims of a token in header fields for the backend: whole, in one line and in bounds, or not at all. RFC 6901, RFC 8259 §6. */
import { type JsonPointer, parseJsonPointer, readJsonPointer } from '../lib/json-pointer.ts';
import type { JsonObject } from '../lib/json-text.ts';
import { ownText } from '../lib/own-text.ts';
import { encodeValue } from './encode-value.ts';

/** One entry of `backend.claim_headers`. */
export interface ClaimHeader {
  /** Field name. */
  readonly field: string;
  /** The claim as an assertion names it. */
  readonly claim: string;
  readonly pointer: JsonPointer;
}

/** Field name → claim, as `backend.claim_headers` has it: a bare name, or a JSON pointer. */
export function compileClaimHeaders(configured: Readonly<Record<string, string>>): readonly ClaimHeader[] {
  return Object.entries(configured).map(([field, text]) => {
    const pointer = parseJsonPointer(text);
    if (pointer === undefined) throw new TypeError('backend.claim_headers passed the schema but is no pointer');
    return { field, claim: nameClaim(text, pointer), pointer };
  });
}

/** `/email` is `email`; what is further inside is named by its pointer, which no claim of the first level can be. */
function nameClaim(text: string, [name = '', ...inner]: JsonPointer): string {
  const isBare = inner.length === 0 && name !== '' && !name.startsWith('/');
  return isBare ? name : text;
}

export type Scalar = string | number | boolean;
export type ClaimValue = Scalar | readonly Scalar[];

/** A claim that is there and cannot be passed. */
export interface WithheldClaim {
  readonly field: string;
  /** `not_exact`: another value would look the same. `not_flat`: a list that holds more than texts, numbers and booleans. */
  readonly reason: 'too_long' | 'not_exact' | 'not_flat';
}

export interface PassedClaims {
  /** Alternating name, value. */
  readonly fields: readonly string[];
  /** By their name in assertions: those that have a field, as the token has them. */
  readonly claims: ReadonlyMap<string, ClaimValue>;
  readonly withheld: readonly WithheldClaim[];
}

/** The most that a server can be expected to read of one field, and of all of them beside `X-Obex-*`. */
const MAX_VALUE_BYTES = 4096;
const MAX_TOTAL_BYTES = 8192;

/**
 * Reads what is configured. Never a part of a claim: half a list of groups is a lie. Absent are claims that are absent, null,
 * an object, an empty text or an empty list; and withheld are those beyond 4 KiB as a field, and 8 KiB in all, in the order
 * of the configuration.
 */
export function readClaimHeaders(headers: readonly ClaimHeader[], payload: JsonObject): PassedClaims {
  const fields: string[] = [];
  const claims = new Map<string, ClaimValue>();
  const withheld: WithheldClaim[] = [];
  let room = MAX_TOTAL_BYTES;
  for (const { field, claim, pointer } of headers) {
    const value = readJsonPointer(payload, pointer);
    const formatted = formatClaim(value, Math.min(MAX_VALUE_BYTES, room - field.length));
    if (formatted === undefined) continue;
    if ('reason' in formatted) {
      withheld.push({ field, reason: formatted.reason });
      continue;
    }
    room -= field.length + formatted.text.length;
    fields.push(field, formatted.text);
    claims.set(claim, formatted.value);
  }
  return { fields, claims, withheld };
}

type Formatted =
  | { readonly text: string; readonly value: ClaimValue }
  | Pick<WithheldClaim, 'reason'>
  /** There is nothing to pass. */
  | undefined;

function formatClaim(value: unknown, maxBytes: number): Formatted {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (!Array.isArray(value) && !isScalar(value)) return undefined;
  if (!items.every(isScalar)) return { reason: 'not_flat' };
  if (!items.every(isExact)) return { reason: 'not_exact' };
  let text = '';
  for (const [index, item] of items.entries()) {
    // Longer than that, and not worth the work of encoding it.
    if (text.length + String(item).length > maxBytes) return { reason: 'too_long' };
    text += `${index === 0 ? '' : ','}${encodeItem(String(item))}`;
  }
  if (text.length > maxBytes) return { reason: 'too_long' };
  if (text === '') return undefined;
  return { text: ownText(text), value: Array.isArray(value) ? items : (items[0] ?? '') };
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** A lone surrogate has no UTF-8; RFC 8259 §6: beyond 2^53 numbers that differ are read as one, and as infinity at last. */
function isExact(value: Scalar): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value === 'boolean' || Number.isSafeInteger(value)) return true;
  return Math.abs(value) < Number.MAX_SAFE_INTEGER;
}

/** The comma too, also of a single text: issuers make a list of one a text, and "a,b" must not become two. */
function encodeItem(item: string): string {
  return encodeValue(item).replaceAll(',', '%2C');
}
