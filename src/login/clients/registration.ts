/** Dynamic registration: every client becomes a native, public one with both grants, whatever it asked for. RFC 7591 §3. */

import type { JsonObject } from '../../lib/json-text.ts';
import { shownName } from '../../lib/shown-text.ts';
import { isString } from '../../oauth/claims.ts';
import { parseJsonObject } from '../../oauth/strict-json.ts';
import type { ClientIds } from './client-id.ts';
import type { RedirectPolicy } from './redirect-uris.ts';

export interface RegistrationOptions {
  readonly policy: RedirectPolicy;
  readonly clientIds: ClientIds;
  /** Every scope that a token can have. */
  readonly scopes: readonly string[];
}

/** §3.2.1: what was registered. A member that is absent is not written: SDKs refuse null and "". */
export interface ClientInformation {
  readonly client_id: string;
  /** Seconds since the epoch. */
  readonly client_id_issued_at: number;
  readonly client_name?: string;
  readonly redirect_uris: readonly string[];
  readonly application_type: 'native';
  readonly token_endpoint_auth_method: 'none';
  readonly grant_types: readonly ['authorization_code', 'refresh_token'];
  readonly response_types: readonly ['code'];
  readonly scope?: string;
}

/** §3.2.2. */
export interface RegistrationError {
  readonly error: 'invalid_client_metadata' | 'invalid_redirect_uri';
  readonly error_description: string;
}

export type RegistrationAnswer =
  | { readonly status: 201; readonly body: ClientInformation }
  | { readonly status: 400; readonly body: RegistrationError };

type Refused = Extract<RegistrationAnswer, { readonly status: 400 }>;

const MAX_REDIRECT_URIS = 10;
/** Of what a client sent, in an answer. */
const MAX_SHOWN = 100;

/**
 * Registers a client; the caller bounds the body. Keys, pictures, addresses and statements of a client are never looked at.
 * One redirect URI that is not allowed refuses the whole.
 */
export function registerClient(body: Uint8Array, options: RegistrationOptions): RegistrationAnswer {
  const metadata = parseJsonObject(body);
  if (metadata === undefined)
    return refuse('invalid_client_metadata', 'the body has to be one JSON object, no member twice');
  const { client_name: name, scope } = metadata;
  if (!isTextOrAbsent(name)) return refuse('invalid_client_metadata', 'client_name has to be a string');
  if (!isTextOrAbsent(scope)) return refuse('invalid_client_metadata', 'scope has to be a string');
  const redirectUris = readRedirectUris(metadata, options.policy);
  if ('status' in redirectUris) return redirectUris;

  // As people will be shown it.
  const cleanName = shownName(name ?? undefined);
  const sealed = options.clientIds.seal({ redirectUris, name: cleanName });
  if (sealed === undefined) {
    return refuse('invalid_client_metadata', 'redirect_uris and client_name are longer than 2 KB together');
  }
  const scopes = registeredScopes(scope ?? '', options.scopes);
  return {
    status: 201,
    body: {
      client_id: sealed.clientId,
      client_id_issued_at: sealed.created,
      ...(cleanName !== undefined && { client_name: cleanName }),
      redirect_uris: redirectUris,
      // §3.2.1: the server may replace what was asked for, and says so here. RFC 8252 §8.4: a program keeps no secret.
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      ...(scopes !== '' && { scope: scopes }),
    },
  };
}

/** §2: required of clients that get their code by a redirect, as all do here. */
function readRedirectUris({ redirect_uris: uris }: JsonObject, policy: RedirectPolicy): readonly string[] | Refused {
  if (!Array.isArray(uris) || !uris.every(isString) || uris.length === 0) {
    return refuse('invalid_redirect_uri', 'redirect_uris has to be a list of at least one redirect URI');
  }
  if (uris.length > MAX_REDIRECT_URIS) {
    return refuse('invalid_redirect_uri', `redirect_uris has more than ${MAX_REDIRECT_URIS} redirect URIs`);
  }
  const foreign = uris.find((uri) => !policy.isAllowed(uri));
  if (foreign === undefined) return [...new Set(uris)];
  return refuse(
    'invalid_redirect_uri',
    `not allowed as a redirect URI: ${showable(foreign)}; who runs this server allows redirect URIs in login.clients.redirect_uris`,
  );
}

/** What a client registers does not bound what it may ask for later, so one that knows none of ours registers all of them. */
function registeredScopes(asked: string, scopes: readonly string[]): string {
  const tokens = new Set(asked.split(' '));
  const known = scopes.filter((scope) => tokens.has(scope));
  return (known.length === 0 ? scopes : known).join(' ');
}

/** Some clients write null for what they leave out. */
function isTextOrAbsent(value: unknown): value is string | null | undefined {
  return value === undefined || value === null || isString(value);
}

/** RFC 6749 §5.2: an error_description has no quote, no backslash, nothing beyond ASCII. Nor does this have markup. */
function showable(text: string): string {
  const cut = text.slice(0, MAX_SHOWN).toWellFormed();
  const shown = cut.replaceAll(/[^A-Za-z0-9\-._~:/?#[\]@!$()*+,;=%]/gu, (character) => encodeURIComponent(character));
  return text.length > MAX_SHOWN ? `${shown}...` : shown;
}

function refuse(error: RegistrationError['error'], description: string): Refused {
  return { status: 400, body: { error, error_description: description } };
}
