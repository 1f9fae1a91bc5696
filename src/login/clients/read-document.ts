/** What a client's document says that counts here. draft-ietf-oauth-client-id-metadata-document §4.1, RFC 7591 §2. */

import type { JsonObject } from '../../lib/json-text.ts';
import { shownName } from '../../lib/shown-text.ts';
import { isString } from '../../oauth/claims.ts';
import { parseJsonObject } from '../../oauth/strict-json.ts';
import { isRedirectUri } from './redirect-uris.ts';

/** Of a client that is described by a document. Keys, pictures and addresses in it are never looked at. */
export interface ClientDocument {
  /** What a code may be sent to at all; the policy of the configuration comes on top. Empty: the client cannot be used here. */
  readonly redirectUris: readonly string[];
  /** Nobody has verified it. */
  readonly name: string | undefined;
}

const MAX_REDIRECT_URIS = 20;

/** Returns a phrase for the log when the bytes are no document of `clientId`. */
export function readDocument(bytes: Uint8Array, clientId: string): ClientDocument | string {
  const metadata = parseJsonObject(bytes);
  if (metadata === undefined) return 'it is not one JSON object with each member once';
  // §4.1: simple string comparison. Another's document, copied, is nobody's.
  if (metadata['client_id'] !== clientId) return 'its client_id is not its URL';
  const { client_name: name, redirect_uris: uris } = metadata;
  const redirectUris = Array.isArray(uris) && isPublic(metadata) ? uris.filter(isString).filter(isRedirectUri) : [];
  return {
    redirectUris: [...new Set(redirectUris)].slice(0, MAX_REDIRECT_URIS),
    name: isString(name) ? shownName(name) : undefined,
  };
}

/**
 * §4.1: no shared secret. A client that has keys as well (ChatGPT) says that it does without where they are not supported;
 * one that insists on its keys must not be taken for whoever bears its name.
 */
function isPublic(metadata: JsonObject): boolean {
  const { token_endpoint_auth_method: method, token_endpoint_auth_methods_supported: methods } = metadata;
  if ('client_secret' in metadata || 'client_secret_expires_at' in metadata) return false;
  if (method === undefined || method === 'none') return true;
  return Array.isArray(methods) && methods.includes('none');
}
