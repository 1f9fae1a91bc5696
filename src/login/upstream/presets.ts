/** What is known of IdPs as places to log in: what each must be asked, and what of its answers holds. OpenID Connect Core §11. */
import type { UpstreamProvider } from '../options.ts';

export interface UpstreamPreset {
  /** More for the authorization endpoint. */
  readonly parameters: Readonly<Record<string, string>>;
  /** What becomes of the scope `offline_access`. */
  readonly offlineAccess: 'added' | 'removed' | 'as configured' | 'if listed';
  /** Whose `email` is that of the person; `hosted` is Google's own word for it. */
  readonly email: 'if verified' | 'if hosted' | 'never';
  /** Instead of `sub`: a claim that is as lasting, and that owners can look up. */
  readonly subjectClaim?: 'oid';
  /** Instead of `groups`. */
  readonly groupsClaim?: string;
  /** The userinfo endpoint knows what the ID token lacks. */
  readonly userinfoCompletes: boolean;
  /** Of the two ways to send a secret the one that its documents show. */
  readonly secretInBody?: true;
  /** A refresh must name the scopes, else there is no new ID token. */
  readonly refreshNamesScope?: true;
  /** RFC 7523 §3: `aud` of a client assertion, where it is not the issuer. */
  readonly assertionAudience?: 'token endpoint';
}

const PLAIN: UpstreamPreset = {
  parameters: {},
  offlineAccess: 'as configured',
  email: 'if verified',
  userinfoCompletes: true,
};

/**
 * "Afresh" is up to Obex, not to the IdP: Obex keeps no session, so that each login is a round trip to the IdP, which
 * decides by its own session and rules whether a password or a second factor is due. `prompt=login` would have people type
 * both for every client. Where the IdP can offer the choice of account without, that is asked for.
 */
export const UPSTREAM_PRESETS: Readonly<Record<UpstreamProvider, UpstreamPreset>> = {
  // Core §11: offline_access without consent is ignored.
  oidc: { ...PLAIN, offlineAccess: 'if listed' },

  /**
   * https://developers.google.com/identity/protocols/oauth2/web-server (access_type; a refresh token comes with consent
   * alone; offline_access is invalid_scope); https://developers.google.com/identity/gsi/web/guides/verify-google-id-token:
   * an address at another host was verified once, and may belong to somebody else by now.
   */
  google: {
    ...PLAIN,
    parameters: { access_type: 'offline', prompt: 'select_account consent' },
    offlineAccess: 'removed',
    email: 'if hosted',
    userinfoCompletes: false,
    secretInBody: true,
  },

  /**
   * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow (prompt, offline_access, scope of a
   * refresh); …/claims-validation: `email` can be changed by people; …/id-token-claims-reference: `sub` is another
   * one for each client and shown nowhere, `oid` is the Object ID of the portal; …/userinfo: less than the ID token;
   * …/certificate-credentials (aud).
   */
  entra: {
    ...PLAIN,
    parameters: { prompt: 'select_account' },
    subjectClaim: 'oid',
    offlineAccess: 'added',
    email: 'never',
    userinfoCompletes: false,
    secretInBody: true,
    refreshNamesScope: true,
    assertionAudience: 'token endpoint',
  },

  /**
   * https://developer.okta.com/docs/guides/refresh-tokens (offline_access); the ID token beside an access token is thin;
   * https://developer.okta.com/docs/guides/build-self-signed-jwt (aud).
   */
  okta: { ...PLAIN, offlineAccess: 'added', assertionAudience: 'token endpoint' },

  /** https://auth0.com/docs/secure/tokens/refresh-tokens/get-refresh-tokens. */
  auth0: { ...PLAIN, offlineAccess: 'added' },

  /**
   * https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html (other scopes are invalid_scope;
   * a refresh token comes without); …/amazon-cognito-user-pools-using-the-id-token.html (cognito:groups).
   */
  cognito: { ...PLAIN, offlineAccess: 'removed', groupsClaim: 'cognito:groups', userinfoCompletes: false },

  /**
   * https://www.keycloak.org/docs/latest/server_admin/#_offline-access: a refresh token comes without, and ends with the
   * session at Keycloak; whoever wants longer ones configures the scope.
   */
  keycloak: PLAIN,
};

/** What is asked for: `openid` always. */
export function upstreamScopes(
  { offlineAccess }: UpstreamPreset,
  configured: readonly string[],
  listed: readonly string[] | undefined,
): readonly string[] {
  const scopes = new Set(['openid', ...configured]);
  if (offlineAccess === 'removed') scopes.delete('offline_access');
  if (offlineAccess === 'added') scopes.add('offline_access');
  if (offlineAccess === 'if listed' && listed?.includes('offline_access') === true) scopes.add('offline_access');
  return [...scopes];
}

/** Core §11: offline access needs consent. Core §3.1.2.1: `login` asks whoever has a session who they are; so does a choice of account. */
export function upstreamParameters(
  { parameters, offlineAccess }: UpstreamPreset,
  scopes: readonly string[],
  asksForAnother: boolean,
): Readonly<Record<string, string>> {
  const prompts = new Set(parameters['prompt']?.split(' '));
  if (offlineAccess === 'if listed' && scopes.includes('offline_access')) prompts.add('consent');
  if (asksForAnother && !prompts.has('select_account')) prompts.add('login');
  return prompts.size === 0 ? parameters : { ...parameters, prompt: [...prompts].join(' ') };
}
