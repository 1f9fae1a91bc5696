/** Sections of the config about who may pass: resource, idp, authz, token_cache. RFC 9728, RFC 9068, RFC 6749 §3.3. */
import * as z from 'zod/mini';
import { boolean, duration, leaf, list, number, oneOf, optional, section, size, text } from '../leaf.ts';
import { refuse } from '../refused.ts';
import { parseIssuer, parseJwksUri, parseResourceUrl } from '../urls.ts';
import { introspectionSection } from './introspection.ts';
import { LONGEST_MS } from './traffic.ts';

const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'Ed25519',
  'EdDSA',
] as const;

/** Signature algorithms that Obex can verify. RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2; asymmetric only. */
export type SignatureAlgorithm = (typeof ALGORITHMS)[number];

function parseAlgorithm(value: unknown) {
  const found = ALGORITHMS.find((name) => name === value);
  if (found !== undefined) return found;
  const wanted = `expected one of ${ALGORITHMS.join(', ')}`;
  if (typeof value !== 'string') return refuse(wanted, value);
  if (value.toLowerCase() === 'none') return refuse(wanted, value, 'a token without signature proves nothing');
  if (/^HS\d+$/i.test(value)) return refuse(wanted, value, 'HS* would need a secret shared with the issuer');
  const sameLetters = ALGORITHMS.find((name) => name.toLowerCase() === value.toLowerCase());
  return refuse(
    wanted,
    value,
    sameLetters === undefined ? undefined : `write ${sameLetters}, upper and lower case matter`,
  );
}

/** RFC 6749 §3.3: scope-token. */
function parseScope(value: unknown) {
  if (typeof value === 'string' && /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(value)) return value;
  if (typeof value === 'string' && /^\S+( \S+)+$/.test(value))
    return refuse('expected one scope per list item', value, `write [${value.split(' ').join(', ')}]`);
  return refuse('expected a scope such as mcp:read: printable ASCII without space, quote and backslash', value);
}

export const algorithm = leaf<SignatureAlgorithm>(
  { kind: 'string', json: { enum: ALGORITHMS }, meaning: 'JWS `alg`.' },
  parseAlgorithm,
);
const scope = leaf({ kind: 'string', json: { type: 'string' }, meaning: 'Scope token.' }, parseScope);
const audience = text({ meaning: 'Value of `aud`.' });

export const resourceSection = section('What is protected, as OAuth clients and tokens name it.', {
  url: leaf(
    {
      kind: 'URL',
      json: { type: 'string' },
      example: 'https://my-tool.example.com/mcp',
      meaning:
        'The URL that users type into their MCP client, and `resource` in the metadata. With the scheme, host and port of ' +
        '`obex.public_url`; no fragment. Kept exactly as written.',
    },
    parseResourceUrl,
  ),
  audiences: list(audience, {
    default: [],
    example: ['https://my-tool.example.com/mcp'],
    meaning:
      'Values of `aud` that are accepted, compared byte for byte. Empty = only `resource.url`, in any spelling that is the same ' +
      'URI by RFC 3986 §6.2.2–6.2.3: `https://host` is `https://host/`, `/mcp` is never `/mcp/`.',
  }),
  scopes_supported: list(scope, {
    default: [],
    example: ['mcp:read'],
    meaning:
      'Scopes named in the metadata, for clients to ask for; some ask for no others. Empty = `authz.required_scopes`, which ' +
      'alone decides.',
  }),
});

const issuer = {
  issuer: leaf(
    {
      kind: 'string',
      json: { type: 'string' },
      example: 'https://auth.your-company.com/',
      meaning:
        '`iss` of the tokens, compared byte for byte (mind the final slash): an https URL without query and fragment (http if ' +
        'the host is loopback or `idp.dangerously_allow_http` is set), or with `jwks_uri` any text. The metadata name the URLs.',
    },
    parseIssuer,
  ),
  jwks_uri: optional(
    leaf(
      {
        kind: 'URL',
        json: { type: 'string' },
        optional: true,
        example: 'https://auth.your-company.com/.well-known/jwks.json',
        meaning:
          'Where the keys of the issuer are. Absent = discovered from the issuer (RFC 8414, OpenID Connect Discovery). https, ' +
          'unless the host is loopback or `idp.dangerously_allow_http` is set.',
      },
      parseJwksUri,
    ),
  ),
  tls: section('TLS to this issuer.', {
    ca_file: text({
      allowEmpty: true,
      default: '',
      meaning:
        'PEM bundle of the authorities trusted when its metadata and keys are fetched, and when it is asked about tokens. Empty = ' +
        'the public ones.',
    }),
  }),
  introspection: introspectionSection,
};

const acceptIdTokens = boolean({
  default: false,
  meaning:
    'Takes tokens that hold `nonce`, `at_hash` or `c_hash`, as ID tokens do, for access tokens: for an IdP whose access tokens ' +
    'look so (Dex). Whoever gets hold of an ID token for an accepted audience is then let in. Each issuer has its own.',
});

const additionalIssuer = z.strictObject({
  ...issuer,
  accepted_algorithms: optional(
    list(algorithm, {
      optional: true,
      nonEmpty: 'delete the key to accept those of idp.accepted_algorithms',
      example: ['RS256'],
      meaning: 'Signature algorithms accepted of this issuer. Absent = `idp.accepted_algorithms`.',
    }),
  ),
  audiences: list(audience, {
    default: [],
    example: ['https://my-tool.example.com/mcp'],
    meaning: 'Values of `aud` accepted of this issuer. Empty = those of `resource.audiences`.',
  }),
  dangerously_accept_id_tokens: acceptIdTokens,
});

export const idpSection = z
  .optional(
    z.strictObject({
      ...issuer,
      clock_skew: duration({
        min: 0,
        max: 600_000,
        default: '10s',
        meaning: 'How far the clocks of issuer and Obex may differ when `exp`, `nbf` and `iat` are checked.',
      }),
      accepted_algorithms: list(algorithm, {
        default: ['RS256', 'ES256'],
        nonEmpty: 'name at least one, or delete the key for [RS256, ES256]',
        meaning: 'Signature algorithms accepted: of RS/PS/ES 256/384/512, Ed25519, and EdDSA, its older name.',
      }),
      jwks_refresh: duration({
        min: 1000,
        max: LONGEST_MS,
        default: '10m',
        meaning: 'How often keys are fetched in the background.',
      }),
      jwks_max_stale: duration({
        min: 1000,
        max: LONGEST_MS,
        default: '24h',
        meaning: 'How long keys are used after the last fetch that succeeded.',
      }),
      additional_issuers: z.prefault(z.array(additionalIssuer), []).register(z.globalRegistry, {
        description: 'Further issuers whose tokens are accepted; keys are never mixed between issuers.',
      }),
      dangerously_allow_http: boolean({
        default: false,
        meaning:
          'Allows http for `issuer` and `jwks_uri` beyond loopback. Whoever can touch that network can then forge tokens: for ' +
          'development only.',
      }),
      dangerously_accept_id_tokens: acceptIdTokens,
    }),
  )
  .register(z.globalRegistry, {
    description:
      'Who issues the tokens. The key makes the difference: without it Obex is in phase 1 and authenticates nobody.',
  });

export const authzSection = section('What a token must allow. Needs `idp`.', {
  required_scopes: list(scope, {
    default: [],
    example: ['mcp:read'],
    meaning: 'Scopes that every token must hold, all of them; else 403 `insufficient_scope`.',
  }),
  on_token_expiry: oneOf(['keep', 'cut'], {
    default: 'keep',
    meaning:
      'What `exp` means to a stream that is open: `keep` = nothing; `cut` = an event stream on which the server speaks first (a ' +
      'GET, or `subscriptions/listen`) ends between two events, `idp.clock_skew` after it. The answer to a call goes on.',
  }),
});

export const tokenCacheSection = section(
  'Verified tokens kept in memory, so that a token is verified once. 0 in either = off.',
  {
    max_entries: number({
      kind: 'integer',
      min: 0,
      max: 10_000_000,
      default: 10_000,
      meaning: 'Tokens kept; 0 = off.',
    }),
    max_bytes: size({
      min: 0,
      max: 2 ** 36,
      default: '32MiB',
      meaning: 'Memory that the kept tokens may take; 0 = off.',
    }),
  },
);
