/** JWS Compact Serialization, read strictly. RFC 7515 §3.1, §5.2, §7.1; RFC 8725 §3. */
import { type Denial, deny } from './denial.ts';
import { type JsonObject, parseJsonObject } from './strict-json.ts';

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
/** Key ids are hashes or dates; a longer one would only fill logs and tables. */
const MAX_KID_LENGTH = 1024;

/**
 * Parses a compact JWS whose payload is a JSON object (a JWT). Whatever is not exactly that is `invalid_token`. The
 * signature may be empty here, so that `alg: none` is named for what it is by whoever checks the algorithm.
 */
export function parseJws(compact: string): Jws | Denial {
  if (compact.length > MAX_LENGTH) return malformed('longer than 16 KiB');
  const first = compact.indexOf('.');
  const second = compact.indexOf('.', first + 1);
  // With no dot at all both searches start at 0 and fail, so one test serves.
  if (second === -1 || compact.includes('.', second + 1)) return malformed('not three parts');

  const headerBytes = decodeBase64url(compact.slice(0, first));
  const payloadBytes = decodeBase64url(compact.slice(first + 1, second));
  const signature = decodeBase64url(compact.slice(second + 1));
  if (!headerBytes || !payloadBytes || !signature) return malformed('not canonical base64url');

  const header = checkHeader(parseJsonObject(headerBytes));
  if ('denied' in header) return header;
  const payload = parseJsonObject(payloadBytes);
  if (payload === undefined) return malformed('the payload is not a strict JSON object');
  return { header, payload, signingInput: Buffer.from(compact.slice(0, second), 'latin1'), signature };
}

function checkHeader(header: JsonObject | undefined): JwsHeader | Denial {
  if (header === undefined) return malformed('the header is not a strict JSON object');
  const { alg, kid, typ, crit, b64 } = header;
  // RFC 7515 §4.1.11: Obex understands no extension, so whatever `crit` holds is refused (CVE-2026-32597).
  if (crit !== undefined) return malformed('crit in the header');
  // RFC 7797 §6: without `crit`, `b64` would be a silent change of the signing input.
  if (b64 !== undefined) return malformed('b64 in the header');
  if (typeof alg !== 'string') return malformed('alg is not a string');
  if (kid !== undefined && typeof kid !== 'string') return malformed('kid is not a string');
  if (kid !== undefined && kid.length > MAX_KID_LENGTH) return malformed('kid is longer than 1024 characters');
  if (typ !== undefined && typeof typ !== 'string') return malformed('typ is not a string');
  return { alg, kid, typ };
}

/**
 * RFC 7515 §2: base64url without padding, whitespace or stray bits. `Buffer` decodes almost anything; only a canonical
 * text comes back the same when it is encoded again.
 */
function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

function malformed(detail: string): Denial {
  return deny('invalid_token', { detail });
}
