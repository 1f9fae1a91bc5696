/** Obex as a client of the IdP: authorization code with PKCE, state and nonce, and refreshes. OpenID Connect Core §3.1, §5.3, §12. */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  refreshTokenGrant,
} from 'openid-client';
import type { Clock } from '../../lib/clock.ts';
import type { JsonObject } from '../../lib/json-text.ts';
import { isSecureUrl } from '../../lib/secure-url.ts';
import { isIssuerIdentifier } from '../../oauth/issuer-metadata.ts';
import type { UpstreamOptions } from '../options.ts';
import { upstreamName } from '../pages/upstream-name.ts';
import type { Person } from '../people/person.ts';
import { authenticateClient } from './client-authentication.ts';
import { createIdpFetch } from './idp-fetch.ts';
import { judgeErrors } from './judge-error.ts';
import { UPSTREAM_PRESETS, type UpstreamPreset, upstreamParameters, upstreamScopes } from './presets.ts';
import { readClaims, readSubject, toPerson } from './read-claims.ts';
import { Remembered } from './remembered.ts';
import {
  type Upstream,
  UpstreamInvalid,
  type UpstreamLogin,
  UpstreamRefused,
  UpstreamUnavailable,
  type Verifier,
} from './upstream.ts';

export interface UpstreamSurroundings {
  readonly clock: Clock;
  /** Returns numbers from 0 up to 1. Default: `Math.random`. */
  readonly random?: () => number;
  /** For each request. Default: ten seconds. */
  readonly timeoutMs?: number;
}

const METADATA_FOR_MS = 3_600_000;
const TIMEOUT_MS = 10_000;
const UNAUTHORIZED = 401;
const TOO_MANY_REQUESTS = 429;
const MAX_SHOWN_ISSUER = 256;

/** Asks nothing of the IdP yet. Throws where the private key cannot be read. */
export function createUpstream(options: UpstreamOptions, surroundings: UpstreamSurroundings): Upstream {
  return new OpenIdUpstream(options, surroundings);
}

type Tokens = Pick<Awaited<ReturnType<typeof refreshTokenGrant>>, 'access_token' | 'refresh_token' | 'claims'>;

class OpenIdUpstream implements Upstream {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #preset: UpstreamPreset;
  readonly #metadata: Remembered<Configuration>;

  constructor(options: UpstreamOptions, surroundings: UpstreamSurroundings) {
    const { clock, random = Math.random, timeoutMs = TIMEOUT_MS } = surroundings;
    this.name = upstreamName(options);
    this.#options = options;
    this.#preset = UPSTREAM_PRESETS[options.provider];
    const discover = createDiscover(options, this.#preset, timeoutMs);
    this.#metadata = new Remembered({ ask: () => judgeErrors(discover), forMs: METADATA_FOR_MS, clock, random });
  }

  async begin(redirectUri: string, options = { asksForAnother: false }): Promise<{ url: URL; verifier: Verifier }> {
    const idp = await this.#metadata.get();
    const verifier = { state: randomState(), nonce: randomNonce(), codeVerifier: randomPKCECodeVerifier() };
    const scopes = this.#scopes(idp);
    const url = buildAuthorizationUrl(idp, {
      // As the library derives it from the callback.
      redirect_uri: new URL(redirectUri).href,
      scope: scopes.join(' '),
      state: verifier.state,
      nonce: verifier.nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier.codeVerifier),
      code_challenge_method: 'S256',
      ...upstreamParameters(this.#preset, scopes, options.asksForAnother),
    });
    return { url, verifier };
  }

  async finish(callback: URL, { state, nonce, codeVerifier }: Verifier): Promise<UpstreamLogin> {
    const idp = await this.#metadata.get();
    // RFC 9207 §2.4 and Core §3.1.3.7 are the library's.
    const checks = {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    };
    const tokens = await judgeErrors(() => authorizationCodeGrant(idp, callback, checks));
    const claims = this.#readIdToken(tokens);
    if (claims === undefined) throw new UpstreamInvalid('the IdP answers without an ID token');
    return { person: await this.#complete(idp, tokens, claims), refreshToken: tokens.refresh_token };
  }

  async refresh(refreshToken: string, before: Person): Promise<UpstreamLogin> {
    const idp = await this.#metadata.get();
    const parameters = this.#preset.refreshNamesScope === true ? { scope: this.#scopes(idp).join(' ') } : {};
    const tokens = await judgeErrors(() => refreshTokenGrant(idp, refreshToken, parameters));
    const claims = this.#readIdToken(tokens);
    // Core §12.2
    if (claims !== undefined && readSubject(claims, this.#preset) !== before.subject) {
      throw new UpstreamInvalid('the ID token of a refresh has another subject than that of the login');
    }
    const person = await (claims === undefined
      ? this.#askUserinfo(idp, tokens, before)
      : this.#complete(idp, tokens, claims));
    return { person, refreshToken: tokens.refresh_token };
  }

  #scopes(idp: Configuration): readonly string[] {
    return upstreamScopes(this.#preset, this.#options.scopes, idp.serverMetadata().scopes_supported);
  }

  #readIdToken(tokens: Tokens): JsonObject | undefined {
    const claims = tokens.claims();
    // Core §3.1.3.7 step 5, which the library looks at only beside several audiences.
    if (claims?.azp !== undefined && claims.azp !== this.#options.clientId) {
      throw new UpstreamInvalid('the azp of the ID token is another client');
    }
    return claims;
  }

  async #complete(idp: Configuration, tokens: Tokens, claims: JsonObject): Promise<Person> {
    const subject = readSubject(claims, this.#preset);
    const said = this.#read(claims);
    const isComplete = said.email !== undefined && said.groups !== undefined;
    if (isComplete || !this.#preset.userinfoCompletes) return toPerson(subject, said);
    const more = await fetchMore(idp, tokens.access_token, subject);
    return toPerson(subject, said, more && this.#read(more));
  }

  async #askUserinfo(idp: Configuration, tokens: Tokens, before: Person): Promise<Person> {
    // Userinfo has the `sub` alone.
    if (this.#preset.subjectClaim !== undefined) return before;
    const claims = await fetchMore(idp, tokens.access_token, before.subject);
    return claims === undefined ? before : toPerson(before.subject, this.#read(claims));
  }

  #read(claims: JsonObject) {
    return readClaims(claims, { preset: this.#preset, groupsClaim: this.#options.groupsClaim });
  }
}

function createDiscover(
  options: UpstreamOptions,
  preset: UpstreamPreset,
  timeoutMs: number,
): () => Promise<Configuration> {
  const { issuer, clientId, allowHttp } = options;
  const authentication = authenticateClient(options, preset);
  const isPlain = new URL(issuer).protocol === 'http:';
  const settings = {
    [customFetch]: createIdpFetch(options, timeoutMs),
    // Signatures are checked always, also of tokens that came straight from the IdP.
    execute: [enableNonRepudiationChecks, ...(isPlain ? [allowInsecureRequests] : [])],
  };
  return async () => {
    const idp = await discovery(new URL(issuer), clientId, undefined, authentication, settings);
    const { issuer: named, authorization_endpoint: endpoint = '' } = idp.serverMetadata();
    // OpenID Connect Discovery §4.3; the library overlooks a final slash, and templates of Entra.
    if (named !== issuer)
      throw new UpstreamInvalid(`login.issuer is ${issuer}, and its metadata call it ${showIssuer(named)}: write that`);
    const url = URL.parse(endpoint);
    if (url === null || !(isSecureUrl(url) || (allowHttp && url.protocol === 'http:'))) {
      throw new UpstreamInvalid(`the metadata of ${issuer} have no authorization_endpoint that is an https URL`);
    }
    return idp;
  };
}

function showIssuer(named: string): string {
  return isIssuerIdentifier(named, true) ? named.slice(0, MAX_SHOWN_ISSUER) : 'something that is no issuer';
}

/**
 * Core §5.3. Undefined where there is no such endpoint, or it has nothing for this client. A 401 is about the person: the
 * token is as fresh as can be.
 */
async function fetchMore(idp: Configuration, accessToken: string, subject: string): Promise<JsonObject | undefined> {
  if (idp.serverMetadata().userinfo_endpoint === undefined) return undefined;
  try {
    return await judgeErrors(() => fetchUserInfo(idp, accessToken, subject));
  } catch (error) {
    const status = error instanceof UpstreamUnavailable ? error.status : undefined;
    if (status === UNAUTHORIZED) throw new UpstreamRefused('invalid_token', 'the userinfo endpoint answers 401');
    if (status !== undefined && status >= 400 && status < 500 && status !== TOO_MANY_REQUESTS) return undefined;
    throw error;
  }
}
