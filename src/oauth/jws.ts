/** JWS Compact Serialization, read strictly. RFC 7515 §3.1, §5.2, §7.1; RFC 8725 §3. */

import type { JsonObject } from '../lib/json-text.ts';
import { type Denial, deny } from './denial.ts';
import { parseJsonObject } from './strict-json.ts';

/**
 * The header parameters that Obex reads. `jwk`, `jku`, `x5u` and `x5c` are not among them: a token never brings its own
 * key (RFC 8725 §3.10).
 */
export interface JwsHeader {
  readonly alg: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
}

/** A well-formed JWS whose signature has not been looked at. */
export interface Jws {
  readonly header: JwsHeader;
  readonly payload: JsonObject;
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/** CVE-2025-61920: a JOSE object of any size costs the parser time. */
const MAX_LENGTH = 16 * 1024;
/** What is wrong with a part that `decodeBase64url` refuses. */
export const NOT_BASE64URL = 'not canonical base64url';
/** Key ids are hashes or dates; a longer one would only fill logs and tables. */
const MAX_KID_LENGTH = 1024;

/** The three parts as they stand in the text. */
export interface JwsParts {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
  readonly signingInput: Buffer;
}

/**
 * Parses a compact JWS whose payload is a JSON object (a JWT). Whatever is not exactly that is `invalid_token`. The
 * signature may be empty here, so that `alg: none` is named for what it is by whoever checks the algorithm.
 */
export function parseJws(compact: string): Jws | Denial {
  const parts = splitJws(compact);
  if (typeof parts === 'string') return malformed(parts);
  const headerBytes = decodeBase64url(parts.header);
  const payloadBytes = decodeBase64url(parts.payload);
  const signature = decodeBase64url(parts.signature);
  if (!headerBytes || !payloadBytes || !signature) return malformed(NOT_BASE64URL);

  const header = checkHeader(parseJsonObject(headerBytes));
  if ('denied' in header) return header;
  const payload = parseJsonObject(payloadBytes);
  if (payload === undefined) return malformed('the payload is not a strict JSON object');
  return { header, payload, signingInput: parts.signingInput, signature };
}

/** Splits a compact JWS into its parts, or says in a phrase why it has not three. What is in them is not looked at. */
export function splitJws(compact: string): JwsParts | string {
  if (compact.length > MAX_LENGTH) return 'longer than 16 KiB';
  const first = compact.indexOf('.');
  const second = compact.indexOf('.', first + 1);
  // With no dot at all both searches start at 0 and fail, so one test serves.
  if (second === -1 || compact.includes('.', second + 1)) return 'not three parts';
  return {
    header: compact.slice(0, first),
    payload: compact.slice(first + 1, second),
    signature: compact.slice(second + 1),
    signingInput: Buffer.from(compact.slice(0, second), 'latin1'),
  };
}

function checkHeader(header: JsonObject | undefined): JwsHeader | Denial {
  if (header === undefined) return malformed('the header is not a strict JSON object');
  const { alg, kid, typ } = header;
  const extension = findExtension(header);
  if (extension !== undefined) return malformed(extension);
  if (typeof alg !== 'string') return malformed('alg is not a string');
  if (kid !== undefined && typeof kid !== 'string') return malformed('kid is not a string');
  if (kid !== undefined && kid.length > MAX_KID_LENGTH) return malformed('kid is longer than 1024 characters');
  if (typ !== undefined && typeof typ !== 'string') return malformed('typ is not a string');
  return { alg, kid, typ };
}

/** The header parameter that would change how a JWS is read, in a phrase; undefined when there is none. */
export function findExtension({ crit, b64 }: JsonObject): string | undefined {
  // RFC 7515 §4.1.11: Obex understands no extension, so whatever `crit` holds is refused (CVE-2026-32597).
  if (crit !== undefined) return 'crit in the header';
  // RFC 7797 §6: without `crit`, `b64` would be a silent change of the signing input.
  return b64 === undefined ? undefined : 'b64 in the header';
}

/**
 * RFC 7515 §2: base64url without padding, whitespace or stray bits. `Buffer` decodes almost anything; only a canonical
 * text comes back the same when it is encoded again.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

function malformed(detail: string): Denial {
  return deny('invalid_token', { detail });
}
