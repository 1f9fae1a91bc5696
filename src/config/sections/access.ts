/** Sections of the config about who may pass: resource, authz, token_cache. RFC 9728, RFC 9068, RFC 6749 §3.3. */
import { leaf, list, number, oneOf, section, size, text } from '../leaf.ts';
import { refuse } from '../refused.ts';
import { challengeScope, scope, scopeImplications, scopePrefix } from '../scopes.ts';
import { parseAuthorizationServer, parseResourceUrl } from '../urls.ts';

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

export const algorithm = leaf<SignatureAlgorithm>(
  { kind: 'string', json: { enum: ALGORITHMS }, meaning: 'JWS `alg`.' },
  parseAlgorithm,
);
export const audience = text({ meaning: 'Value of `aud`.' });

const authorizationServer = leaf(
  { kind: 'URL', json: { type: 'string' }, meaning: 'Issuer identifier of an authorization server (RFC 8414 §2).' },
  parseAuthorizationServer,
);

export const resourceSection = section('What is protected, as OAuth clients and tokens name it.', {
  url: leaf(
    {
      kind: 'URL',
      json: { type: 'string' },
      example: 'https://my-tool.example.com/mcp',
      meaning:
        'The URL that users type into their MCP client, and `resource` in the metadata. With the scheme, host and port of ' +
        '`obex.public_url`; no fragment. Kept exactly as written. Its scheme and authority are those of the DPoP `htu`, of ' +
        '`X-Forwarded-Proto` and `-Host`, and of what URLs of the backend become.',
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
  authorization_servers: list(authorizationServer, {
    default: [],
    example: ['https://auth.your-company.com/'],
    meaning:
      '`authorization_servers` of the metadata, as written: where clients log in. Empty = the issuers. It says nothing about ' +
      'whose tokens are accepted.',
  }),
  scope_prefix: scopePrefix,
});

export const authzSection = section('What a token must allow. Needs `idp`.', {
  required_scopes: list(scope, {
    default: [],
    example: ['mcp:read'],
    meaning: 'Scopes that every token must hold, all of them; else 403 `insufficient_scope`.',
  }),
  challenge_scopes: list(challengeScope, {
    default: [],
    example: ['openid'],
    meaning:
      'Scopes that clients are told to ask for besides, in challenges and metadata, and that no token needs: what an IdP wants ' +
      'to hear. Clients that ask for what the challenge names ask for these and `required_scopes`, no others.',
  }),
  scope_implies: scopeImplications,
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
