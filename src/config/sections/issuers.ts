/** The section of the config about whose tokens are accepted: idp. RFC 9068 §4, RFC 8414 §2, RFC 6901. */
import * as z from 'zod/mini';
import { boolean, duration, leaf, list, oneOf, optional, section, text } from '../leaf.ts';
import { UNFILLED } from '../preset.ts';
import { PRESET_NAMES } from '../presets.ts';
import { claim } from '../scopes.ts';
import { parseIssuer, parseIssuerAlias, parseJwksUri } from '../urls.ts';
import { algorithm, audience } from './access.ts';
import { introspectionSection } from './introspection.ts';
import { LONGEST_MS } from './traffic.ts';

const AUDIENCE_CLAIMS = ['aud', 'client_id'] as const;
const NOT_INHERITED = 'Each issuer has its own.';

const alias = leaf({ kind: 'string', json: { type: 'string' }, meaning: 'Value of `iss`.' }, parseIssuerAlias);

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
  preset: oneOf(['', ...PRESET_NAMES], {
    default: '',
    example: 'keycloak',
    meaning:
      'Fills in what is known of the tokens of an IdP, where no key beside it says otherwise; `obex check` prints what it has ' +
      'filled in, and warns of what does not fit. Never fills in anything `dangerously_`. ' +
      NOT_INHERITED,
  }),
  issuer_aliases: list(alias, {
    default: [],
    example: ['https://login.microsoftonline.com/11112222-bbbb-3333-cccc-4444dddd5555/v2.0'],
    meaning:
      'More values of `iss` whose tokens are signed with the same keys, as of further tenants; each in full, no patterns. ' +
      'Whoever rules such a tenant decides who gets in from there. ' +
      NOT_INHERITED,
  }),
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

const scopeClaims = {
  nonEmpty: 'name a claim, or delete the key',
  example: ['scp', '/realm_access/roles'],
};
const SCOPE_CLAIMS_MEANING =
  'Claims that say what a token grants, by name or as JSON pointers (RFC 6901); the first that is present decides alone. Of ' +
  'any but `scope` and `scp`, values that the configuration does not name as scopes are left out, and so is what cannot be ' +
  'one. Never a claim that people can edit themselves.';
const AUDIENCE_CLAIM_MEANING =
  'What is compared with `audiences`, which must then be set. `client_id` is for an IdP without `aud` (Cognito): every access ' +
  'token of these clients is for this resource. `token_use`, where it is there, must be `access`, and `aud` must name ' +
  '`resource.url`.';

const acceptIdTokens = boolean({
  default: false,
  meaning:
    'Takes tokens that hold `nonce`, `at_hash` or `c_hash`, as ID tokens do, for access tokens: for an IdP whose access tokens ' +
    'look so (Dex). Whoever gets hold of an ID token for an accepted audience is then let in. Each issuer has its own.',
});

export const additionalIssuer = z.strictObject({
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
  scope_claims: optional(
    list(claim, {
      ...scopeClaims,
      optional: true,
      meaning:
        'Claims that say what a token of this issuer grants. Absent = `idp.scope_claims` as it is written, not as a preset fills it in.',
    }),
  ),
  audience_claim: optional(
    oneOf(AUDIENCE_CLAIMS, {
      optional: true,
      meaning:
        'What is compared with the audiences of this issuer. Absent = `idp.audience_claim` as it is written, not as a preset fills it in.',
    }),
  ),
  dangerously_accept_id_tokens: acceptIdTokens,
});

export const idpSchema = z.strictObject({
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
  scope_claims: list(claim, { ...scopeClaims, default: [...UNFILLED.scope_claims], meaning: SCOPE_CLAIMS_MEANING }),
  audience_claim: oneOf(AUDIENCE_CLAIMS, { default: UNFILLED.audience_claim, meaning: AUDIENCE_CLAIM_MEANING }),
  additional_issuers: z.prefault(z.array(additionalIssuer), []).register(z.globalRegistry, {
    description: 'Further issuers whose tokens are accepted; keys are never mixed between issuers.',
  }),
  dangerously_allow_http: boolean({
    default: false,
    meaning:
      'Allows http for `issuer`, `jwks_uri` and `introspection.endpoint` beyond loopback. Whoever can touch that network can then ' +
      'forge tokens: for development only.',
  }),
  dangerously_accept_id_tokens: acceptIdTokens,
  dangerously_share_audiences: boolean({
    default: false,
    meaning:
      'With `servers`: lets several of them accept one audience, as far as each requires a scope that the other does not. A token ' +
      'that holds the scopes of both is good for both. Absent = that is an error.',
  }),
});

export const idpSection = z.optional(idpSchema).register(z.globalRegistry, {
  description:
    'Who issues the tokens. The key makes the difference: without it, and without `login`, Obex is in phase 1 and authenticates nobody.',
});
