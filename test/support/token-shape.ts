/** What an identity provider puts into its tokens, without what is different each time, beside what was recorded of it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { isRecord, parseObject } from './json.ts';

const FOLDER = join(import.meta.dirname, 'token-shapes');
/** `RECORD_TOKEN_SHAPES=1 make test-idps`, or `test-e2e`, writes the files anew. */
const isRecording = process.env['RECORD_TOKEN_SHAPES'] === '1';

const IDP_ORIGIN = 'https://idp.example';
const RESOURCE = 'https://tool.example.com/mcp';
const ISSUED_AT = 1_800_000_000;
const LIFETIME = 300;
const TIMES: Readonly<Record<string, number>> = {
  iat: ISSUED_AT,
  nbf: ISSUED_AT,
  auth_time: ISSUED_AT,
  rat: ISSUED_AT,
  exp: ISSUED_AT + LIFETIME,
};
/** Ids of tokens and sessions, hashes, and the addresses that a request came from. */
const RANDOM = new Set(['jti', 'sid', 'at_hash', 'c_hash', 'kid', 'nonce', 'clientAddress', 'clientHost']);
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Of the discovery document, what says how Obex and MCP clients fare with the IdP. */
const DISCOVERY = [
  'issuer',
  'authorization_endpoint',
  'token_endpoint',
  'introspection_endpoint',
  'registration_endpoint',
  'jwks_uri',
  'scopes_supported',
  'grant_types_supported',
  'code_challenge_methods_supported',
  'token_endpoint_auth_methods_supported',
  'introspection_endpoint_auth_methods_supported',
  'dpop_signing_alg_values_supported',
  'tls_client_certificate_bound_access_tokens',
  'authorization_response_iss_parameter_supported',
];

interface Issuer {
  readonly issuer: string;
}

export interface Seen {
  readonly resource: string;
  /** A client id that the IdP made up. */
  readonly clientId?: string | undefined;
  /** RFC 7662 §2.2: what the IdP says of an opaque token. */
  readonly introspection?: Readonly<Record<string, unknown>>;
  /** By what they are for. */
  readonly tokens: Readonly<Record<string, string | undefined>>;
}

/** Compares tokens and discovery document with the record; with RECORD_TOKEN_SHAPES=1 they become the record. */
export async function assertRecorded(name: string, { issuer }: Issuer, seen: Seen): Promise<void> {
  const { introspection, tokens } = seen;
  const generalise = createGeneralisation(issuer, seen);
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(60_000),
  });
  const document = parseObject(await response.text());
  const shape = {
    discovery: Object.fromEntries(
      DISCOVERY.filter((member) => member in document).map((member) => [member, generalise(document[member])]),
    ),
    ...(introspection && { introspection: generalise(introspection) }),
    tokens: Object.fromEntries(
      Object.entries(tokens).map(([purpose, token = '']) => [
        purpose,
        { header: generalise(decodeProtectedHeader(token)), claims: generalise(decodeJwt(token)) },
      ]),
    ),
  };
  const path = join(FOLDER, `${name}.json`);
  const { source, remarks, ...recorded } = existsSync(path) ? parseObject(readFileSync(path, 'utf8')) : {};
  if (isRecording) writeFileSync(path, `${JSON.stringify({ source, remarks, ...shape }, undefined, 2)}\n`);
  else assert.deepEqual(shape, recorded);
}

/** Replaces origins, times and random values, deep inside too, and sorts what has no order. */
function createGeneralisation(
  issuer: string,
  { resource, clientId }: Seen,
): (value: unknown, name?: string) => unknown {
  const origin = new URL(issuer).origin;
  const generalise = (value: unknown, name = ''): unknown => {
    if (TIMES[name] !== undefined && typeof value === 'number') return TIMES[name];
    if (RANDOM.has(name) && typeof value === 'string') return `a ${name}`;
    if (value === clientId && value !== undefined) return 'a client id';
    if (name === 'scope' && typeof value === 'string') return value.split(' ').toSorted().join(' ');
    if (typeof value === 'string') {
      return value.replaceAll(resource, RESOURCE).replaceAll(origin, IDP_ORIGIN).replaceAll(UUID, 'a-uuid');
    }
    if (Array.isArray(value)) return value.map((member) => generalise(member)).toSorted(byText);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, generalise(member, key)]));
  };
  return generalise;
}

function byText(one: unknown, other: unknown): number {
  return String(one) < String(other) ? -1 : 1;
}
