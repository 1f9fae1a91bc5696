/** DPoP proof checks. RFC 9449 §4.3, numbered as there. */
import { hash, type KeyObject } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../lib/json-text.ts';
import { loggableUri } from '../lib/loggable-uri.ts';
import { formatTime } from './access-token.ts';
import { type Denial, deny, isDenied } from './denial.ts';
import { isJwsAlgorithm, type JwsAlgorithm, verifySignature } from './jwa.ts';
import { jwkThumbprint, memberThumbprint } from './jwk-thumbprint.ts';
import { parseJwk } from './jwks.ts';
import { decodeBase64url, findExtension, NOT_BASE64URL, splitJws } from './jws.ts';
import { parseJsonObject } from './strict-json.ts';
import { matchesTargetUri } from './target-uri.ts';

/** The key that a proof brings, as the proof's header tells it. */
export interface ProofKey {
  readonly alg: JwsAlgorithm;
  readonly key: KeyObject;
  /** RFC 7638 thumbprint. */
  readonly jkt: string;
}

/**
 * Reads the header part of a proof (its text), or remembers what `parseProofHeader` made of the same text. `jkt` is the
 * thumbprint that the access token asks for; of a key with another one there may be none.
 */
export type ImportProofKey = (headerPart: string, jkt: string) => ProofKey | Denial;

/** The request that a proof must be made for, and the key that the access token is bound to. */
export interface ExpectedProof {
  readonly method: string;
  /** Made by `createTargetUri`. */
  readonly targetUri: string;
  /** `hashAccessToken` of the token in the same request. */
  readonly ath: string;
  /** `cnf.jkt` of that token. */
  readonly jkt: string;
  readonly proofLifetimeMs: number;
  readonly clockSkewMs: number;
}

/** A proof that has passed every check but those that need state: its nonce (step 10) and its being the first use. */
export interface DpopProof {
  readonly jkt: string;
  readonly jti: string;
  readonly nonce: string | undefined;
  /** From then on no proof of this `iat` is accepted: `iat` + proof lifetime + clock skew. */
  readonly expiresAtMs: number;
}

/** §4.2: `jti` holds at least 96 random bits; beyond this size it would only fill tables. */
const MAX_JTI_BYTES = 256;
const MAX_NONCE_LENGTH = 256;
/** Whoever brings a key chooses what it costs to import it and to verify with it. */
const MAX_RSA_BITS = 4096;
/** Characters of such a modulus in base64url, with a leading zero byte that some writers leave in front. */
const MAX_RSA_MODULUS_LENGTH = 684;
const MAX_RSA_EXPONENT = 0xffff_ffffn;
const RSA_BOUND = 'at most RSA 4096 with a 32-bit exponent';
/** The last instant that ECMAScript can name; a later one is a mistake. */
const MAX_TIME_MS = 8.64e15;

/** `ath` of an access token: base64url of its SHA-256 (§4.2). */
export function hashAccessToken(accessToken: string): string {
  return hash('sha256', accessToken, 'base64url');
}

/**
 * Checks the values of all DPoP fields of one request, which must be one. Refusals are `invalid_dpop`; their evidence names
 * the step and never holds the proof.
 */
export function checkDpopProof(
  dpop: readonly string[],
  request: { readonly expected: ExpectedProof; readonly nowMs: number },
  importKey: ImportProofKey,
): DpopProof | Denial {
  // Step 1: there is not more than one DPoP field
  const [compact] = dpop;
  if (compact === undefined || dpop.length > 1) return invalid('1 one DPoP field', '1', String(dpop.length));
  // Step 2: its value is a single well-formed JWT
  const parts = splitJws(compact);
  if (typeof parts === 'string') return invalid('2 a well-formed JWT', undefined, parts);
  const payloadBytes = decodeBase64url(parts.payload);
  const signature = decodeBase64url(parts.signature);
  if (!payloadBytes || !signature) return invalid('2 a well-formed JWT', undefined, NOT_BASE64URL);
  const payload = parseJsonObject(payloadBytes);
  if (payload === undefined)
    return invalid('2 a well-formed JWT', undefined, 'the payload is not a strict JSON object');
  // Step 3: all required claims are there; the header's part of this, and steps 4, 5 and 7
  const claims = parseClaims(payload);
  if (isDenied(claims)) return claims;
  const proofKey = importKey(parts.header, request.expected.jkt);
  if (isDenied(proofKey)) return proofKey;
  // Step 6: the signature verifies with the public key of the header
  if (!verifySignature(proofKey.alg, proofKey.key, { signingInput: parts.signingInput, signature })) {
    return invalid('6 the signature verifies with jwk');
  }
  const denial =
    checkClaims(claims, request.expected, request.nowMs) ?? checkBinding(claims, request.expected, proofKey);
  if (denial !== undefined) return denial;
  const { proofLifetimeMs, clockSkewMs } = request.expected;
  const expiresAtMs = claims.iatMs + proofLifetimeMs + clockSkewMs;
  return { jkt: proofKey.jkt, jti: claims.jti, nonce: claims.nonce, expiresAtMs };
}

/** What a proof's key must be. */
export interface AcceptedProofKey {
  /** Those that configuration accepts of proofs. */
  readonly algorithms: ReadonlySet<JwsAlgorithm>;
  /** The thumbprint that the access token names. */
  readonly jkt: string;
}

/**
 * Reads a proof's header: steps 3, 4, 5 and 7, and what makes its `jwk` a key to verify with. Step 12, as far as it is about
 * the key, comes before the key is made: anybody can send keys, and only one is the token's.
 */
export function parseProofHeader(headerPart: string, { algorithms, jkt }: AcceptedProofKey): ProofKey | Denial {
  const bytes = decodeBase64url(headerPart);
  if (bytes === undefined) return invalid('2 a well-formed JWT', undefined, NOT_BASE64URL);
  const header = parseJsonObject(bytes);
  if (header === undefined) return invalid('2 a well-formed JWT', undefined, 'the header is not a strict JSON object');
  const extension = findExtension(header);
  if (extension !== undefined) return invalid('2 a well-formed JWT', undefined, extension);
  const { typ, alg, jwk } = header;
  // Step 4: typ, compared exactly: a proof has no other kind of JWT to be told from by its writer
  if (typ !== 'dpop+jwt') return invalid('4 typ', 'dpop+jwt', describe(typ));
  // Step 5: a registered asymmetric algorithm, supported and accepted here; `none` and HS* are never among them
  if (typeof alg !== 'string' || !isJwsAlgorithm(alg) || !algorithms.has(alg)) {
    return invalid('5 alg', [...algorithms].join(' '), describe(alg));
  }
  return importJwk(jwk, alg, jkt);
}

/** Step 7: `jwk` holds no private key; and it is one that fits `alg` and is not weak (RFC 8725 §3.2, §3.5). */
function importJwk(jwk: unknown, alg: JwsAlgorithm, jkt: string): ProofKey | Denial {
  if (jwk === undefined) return invalid('3 all required claims', 'jwk', 'none');
  const unwanted = isJsonObject(jwk) ? checkMembers(jwk, jkt) : undefined;
  if (unwanted !== undefined) return unwanted;
  const parsed = parseJwk(jwk);
  if ('why' in parsed) return invalid('7 jwk is a public key', undefined, parsed.why);
  const { key, algorithms } = parsed;
  if (!algorithms.has(alg)) return invalid('5 alg fits jwk', [...algorithms].join(' '), alg);
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength > MAX_RSA_BITS || publicExponent > MAX_RSA_EXPONENT) {
    return invalid('5 alg fits jwk', RSA_BOUND, `RSA ${modulusLength}`);
  }
  const thumbprint = jwkThumbprint(key);
  return thumbprint === jkt ? { alg, key, jkt } : invalid('12 cnf.jkt', jkt, thumbprint);
}

/** What can be said of a key before it is made. */
function checkMembers(jwk: JsonObject, jkt: string): Denial | undefined {
  const announced = memberThumbprint(jwk);
  if (announced !== undefined && announced !== jkt) return invalid('12 cnf.jkt', jkt, announced);
  const { n } = jwk;
  if (typeof n !== 'string' || n.length <= MAX_RSA_MODULUS_LENGTH) return undefined;
  return invalid('5 alg fits jwk', RSA_BOUND, `a modulus of ${n.length} characters`);
}

interface ProofClaims {
  readonly jti: string;
  readonly htm: unknown;
  readonly htu: unknown;
  readonly iatMs: number;
  readonly expMs: number | undefined;
  readonly nbfMs: number | undefined;
  readonly ath: unknown;
  readonly nonce: string | undefined;
}

/** Step 3, and the shapes that §4.2 and RFC 7519 §4.1 give them. */
function parseClaims(payload: JsonObject): ProofClaims | Denial {
  const { jti, htm, htu, iat, exp, nbf, ath, nonce } = payload;
  for (const name of ['jti', 'htm', 'htu', 'iat', 'ath']) {
    if (payload[name] === undefined) return invalid('3 all required claims', name, 'none');
  }
  if (typeof jti !== 'string' || jti === '' || !jti.isWellFormed() || Buffer.byteLength(jti) > MAX_JTI_BYTES) {
    return invalid(
      '3 jti',
      `1 to ${MAX_JTI_BYTES} bytes`,
      typeof jti === 'string' ? `${jti.length} characters` : typeof jti,
    );
  }
  if (nonce !== undefined && (typeof nonce !== 'string' || nonce.length > MAX_NONCE_LENGTH)) {
    return invalid('3 nonce', `a string of at most ${MAX_NONCE_LENGTH} characters`, typeof nonce);
  }
  const times = [iat, exp, nbf].map((claim) => (claim === undefined ? undefined : parseNumericDate(claim)));
  const [iatMs, expMs, nbfMs] = times;
  if (iatMs === undefined || times.some(Number.isNaN))
    return invalid('3 iat, exp and nbf', 'NumericDates', describe(iat));
  return { jti, htm, htu, iatMs, expMs, nbfMs, ath, nonce };
}

/** RFC 7519 §2, in milliseconds; NaN for what is not one. */
function parseNumericDate(claim: unknown): number {
  return typeof claim === 'number' && Math.abs(claim * 1000) <= MAX_TIME_MS ? claim * 1000 : Number.NaN;
}

function checkClaims(claims: ProofClaims, expected: ExpectedProof, nowMs: number): Denial | undefined {
  const { htm, htu, iatMs, expMs, nbfMs } = claims;
  const { method, targetUri, proofLifetimeMs, clockSkewMs } = expected;
  // Step 8: htm is the method of this request
  if (htm !== method) return invalid('8 htm', method, describe(htm));
  // Step 9: htu is the target URI without query and fragment
  if (typeof htu !== 'string' || !matchesTargetUri(htu, targetUri))
    return invalid('9 htu', targetUri, loggableUri(describe(htu)));
  // Step 10, the nonce, is for whoever issues nonces
  // Step 11: iat lies in the acceptable window
  const notBeforeMs = nowMs - proofLifetimeMs - clockSkewMs;
  const notAfterMs = nowMs + clockSkewMs;
  if (iatMs < notBeforeMs || iatMs > notAfterMs)
    return invalid('11 iat', `${formatTime(notBeforeMs)} to ${formatTime(notAfterMs)}`, formatTime(iatMs));
  // RFC 7519 §4.1.4, §4.1.5: whoever writes them means them, also in a proof
  if (expMs !== undefined && nowMs - clockSkewMs >= expMs)
    return invalid('11 exp', `after ${formatTime(nowMs - clockSkewMs)}`, formatTime(expMs));
  if (nbfMs !== undefined && notAfterMs < nbfMs)
    return invalid('11 nbf', `at most ${formatTime(notAfterMs)}`, formatTime(nbfMs));
  return undefined;
}

/** Step 12: the proof is for this access token, and the token is bound to the proof's key. */
function checkBinding(claims: ProofClaims, expected: ExpectedProof, proofKey: ProofKey): Denial | undefined {
  if (claims.ath !== expected.ath) return invalid('12 ath', expected.ath, describe(claims.ath));
  if (proofKey.jkt !== expected.jkt) return invalid('12 cnf.jkt', expected.jkt, proofKey.jkt);
  return undefined;
}

function describe(claim: unknown): string {
  return typeof claim === 'string' || typeof claim === 'number' ? String(claim) : typeof claim;
}

function invalid(step: string, expected?: string, actual?: string): Denial {
  return deny('invalid_dpop', {
    detail: `§4.3 step ${step}`,
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
  });
}
