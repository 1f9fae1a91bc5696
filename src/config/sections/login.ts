/** The section of the config about Obex as an authorization server: login. RFC 6749, RFC 7591, RFC 8252, OpenID Connect Core. */
import * as z from 'zod/mini';
import { boolean, duration, leaf, list, oneOf, optional, section, text } from '../leaf.ts';
import { email, emailDomain, tenant } from '../login-people.ts';
import { LOGIN_PROVIDERS } from '../login-providers.ts';
import { parseDocumentHosts } from '../metadata-documents.ts';
import { parseClientRedirectUri, parseRedirectRule } from '../redirect-uri.ts';
import { type Refused, refuse } from '../refused.ts';
import { parseClaim, scope } from '../scopes.ts';
import { sharedSecret } from '../shared-secret.ts';
import { parseAuthorizationServer } from '../urls.ts';
import { identityAssertions as identity_assertions } from './identity-assertions.ts';
import { rateLimit as rate_limit } from './login-rate-limit.ts';
import { store } from './login-store.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const YEAR_MS = 365 * 24 * HOUR_MS;
const LONGEST_TITLE = 80;
const plainText = { kind: 'string', json: { type: 'string' } } as const;

const group = text({ meaning: 'Name or id of a group.' });
const subject = text({ meaning: '`sub` at the IdP.' });
const GROUPS_MEANING = 'Groups, exactly as `groups_claim` names them (Entra: by their ids).';

const upstream = {
  provider: oneOf(LOGIN_PROVIDERS, {
    default: 'oidc',
    example: 'google',
    meaning:
      'The kind of IdP, whose ways Obex then knows: issuer, claims, how it gives refresh tokens. `oidc` = any that speaks ' +
      'OpenID Connect.',
  }),
  issuer: optional(
    leaf(
      {
        ...plainText,
        optional: true,
        example: 'https://auth.your-company.com/',
        meaning:
          'Where people log in, byte for byte as its discovery document has it: an https URL (http if the host is loopback or ' +
          '`login.dangerously_allow_http` is set). Required but with `google` and `entra`, whose issuers are known.',
      },
      (value) => (value === '' ? undefined : parseAuthorizationServer(value)),
    ),
  ),
  tenant,
  client_id: text({
    example: 'obex',
    meaning: 'Who Obex is to the IdP: a client (application) of its own there, whose redirect URI `obex check` prints.',
  }),
  client_secret: optional(
    text({
      secret: true,
      optional: true,
      example: '${LOGIN_CLIENT_SECRET}',
      meaning: 'Its secret; or `private_key_file`.',
    }),
  ),
  private_key_file: text({
    allowEmpty: true,
    default: '',
    meaning: 'Private key in place of the secret, PEM without passphrase (`private_key_jwt`, OpenID Connect Core §9).',
  }),
  scopes: list(scope, {
    default: ['openid', 'email', 'profile'],
    nonEmpty: 'it needs openid at least; delete the key for [openid, email, profile]',
    meaning: 'Scopes asked of the IdP. What its kind needs to give a refresh token is added.',
  }),
  tls: section('TLS to the IdP.', {
    ca_file: text({
      allowEmpty: true,
      default: '',
      meaning: 'PEM bundle of the authorities trusted when Obex asks the IdP. Empty = the public ones.',
    }),
  }),
  dangerously_allow_http: boolean({
    default: false,
    meaning:
      'Allows http to the IdP beyond loopback. Whoever can touch that network can then log in as anybody: for development only.',
  }),
};

const people = {
  allow: section('Who may log in: whoever any of the lists names. One of them must name somebody.', {
    emails: list(email, {
      default: [],
      example: ['ann@example.com'],
      meaning: 'E-mail addresses, if the IdP says that they are verified. Not with `entra`, which does not say it.',
    }),
    email_domains: list(emailDomain, {
      default: [],
      example: ['example.com'],
      meaning: 'Domains of verified e-mail addresses; subdomains are domains of their own. Not with `entra`.',
    }),
    groups: list(group, { default: [], example: ['engineering'], meaning: `${GROUPS_MEANING} Not with \`google\`.` }),
    subjects: list(subject, { default: [], example: ['00u1a2b3c4'], meaning: 'People by their `sub` at the IdP.' }),
  }),
  dangerously_allow_everyone: boolean({
    default: false,
    meaning: 'In place of `allow`: lets in whoever has an account at the IdP, which with `google` is nearly anybody.',
  }),
  groups_claim: optional(
    leaf(
      {
        ...plainText,
        optional: true,
        example: '/realm_access/roles',
        meaning:
          'Claim that holds the groups, by name or as a JSON pointer (RFC 6901). Absent = `groups`, with `cognito` ' +
          '`cognito:groups`. A token without it, or with more groups than fit (Entra), has no groups.',
      },
      parseClaim,
    ),
  ),
  scope_grants: z
    .prefault(
      z.array(
        z.strictObject({
          scopes: list(scope, {
            nonEmpty: 'name at least one',
            example: ['mcp:read'],
            meaning: 'What is granted, of `resource.scopes_supported`.',
          }),
          groups: list(group, { default: [], example: ['engineering'], meaning: 'To the people of these groups.' }),
          emails: list(email, { default: [], example: ['ann@example.com'], meaning: 'To these verified addresses.' }),
          everyone: boolean({ default: false, meaning: 'To all who may log in.' }),
        }),
      ),
      [],
    )
    .register(z.globalRegistry, {
      description:
        'Who may have which scopes; what several entries grant adds up. Empty = all of `resource.scopes_supported` to all who may ' +
        'log in.',
    }),
};

function age(spec: { readonly max: number; readonly default: string; readonly meaning: string }) {
  return duration({ min: MINUTE_MS, ...spec });
}

const lifetimes = {
  access_token_ttl: age({
    max: HOUR_MS,
    default: '15m',
    meaning:
      'How long an access token is good, and so how long somebody who has left stays, unless `obex login revoke` calls it back.',
  }),
  refresh_token_ttl: age({
    max: YEAR_MS,
    default: '30d',
    meaning: 'How long a client may stay away before its people must log in again; each use begins it anew.',
  }),
  session_ttl: age({
    max: YEAR_MS,
    default: '24h',
    meaning:
      'How long a login lasts, whatever the client does, where the IdP gave no refresh token by which Obex could ask whether ' +
      'the person is still there.',
  }),
};

const staticClient = z.strictObject({
  client_id: leaf({ ...plainText, example: 'my-agent', meaning: 'Who it is.' }, parseClientId),
  client_secret: sharedSecret('Its secret; absent = a public client, which has none.'),
  redirect_uris: list(leaf({ ...plainText, meaning: 'Redirect URI.' }, parseClientRedirectUri), {
    nonEmpty: 'name at least one',
    example: ['https://agent.example.com/callback'],
    meaning: 'Where its people are sent back to, compared byte for byte but for the port of a loopback address.',
  }),
  name: text({ allowEmpty: true, default: '', example: 'My agent', meaning: 'On the consent page.' }),
});

const clients = section('The MCP clients.', {
  dynamic_registration: boolean({ default: true, meaning: 'Clients may register themselves (RFC 7591).' }),
  metadata_documents: leaf(
    {
      kind: 'string',
      json: { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, minItems: 1 }] },
      default: 'auto',
      example: ['claude.ai', 'vscode.dev'],
      allowed: '"auto", "off", or a list of hosts',
      meaning:
        'Clients may name the URL of a document about them as their client id, which Obex then fetches. `auto` = of any public ' +
        'host, said to clients once Obex could fetch one of a known client; a list = of these hosts (`host` or `host:port`), ' +
        'always said; `off` = never.',
    },
    parseDocumentHosts,
  ),
  redirect_uris: list(leaf({ ...plainText, meaning: 'Word or URI.' }, parseRedirectRule), {
    default: ['loopback', 'https://claude.ai/api/mcp/auth_callback', 'https://vscode.dev/redirect'],
    nonEmpty: 'delete the key for the default, or set dynamic_registration: false',
    example: ['loopback', 'cursor://anysphere.cursor-mcp/oauth/callback'],
    meaning:
      'What a client that registers itself, or has a document, may name as its redirect URIs: `loopback` (this machine, any port), https URIs and ' +
      'those of private-use schemes, byte for byte, or `dangerously_any_https`. One that is not here refuses the registration; ' +
      'of a document it is left out.',
  }),
  static: z.prefault(z.array(staticClient), []).register(z.globalRegistry, {
    description: 'Clients that are written here instead of registering.',
  }),
});

const pages = {
  title: leaf(
    {
      ...plainText,
      default: '',
      example: 'Example Tools',
      meaning: 'Heads the pages. Empty = the host of `obex.public_url`.',
    },
    parseTitle,
  ),
  logo_file: text({ allowEmpty: true, default: '', meaning: 'A PNG, JPEG or WebP on the pages.' }),
};

export const loginSection = z
  .optional(
    z.strictObject({ ...upstream, ...people, ...lifetimes, rate_limit, clients, identity_assertions, store, ...pages }),
  )
  .register(z.globalRegistry, {
    description:
      'Obex as the authorization server, for an IdP that MCP clients cannot use directly: clients register at Obex, people log in ' +
      'at the IdP, Obex issues the tokens. Counts as `idp` wherever that is needed.',
  });

/** RFC 6749 §A.1 */
function parseClientId(value: unknown): string | Refused {
  const isPlain = typeof value === 'string' && /^[\x21-\x7e]{1,200}$/.test(value);
  return isPlain
    ? value
    : refuse('expected a client id such as "my-agent": up to 200 printable ASCII characters, no spaces', value);
}

function parseTitle(value: unknown): string | Refused {
  const isTitle = typeof value === 'string' && value.length <= LONGEST_TITLE && !/[\p{C}\u2028\u2029]/u.test(value);
  return isTitle ? value : refuse(`expected a title on one line, of at most ${LONGEST_TITLE} characters`, value);
}
