/** Whom a token is for: `aud`, or with issuers that have none the client that it was issued to. RFC 9068 §4, RFC 7519 §4.1.3. */

import type { JsonObject } from '../lib/json-text.ts';
import { malformed, readStrings } from './claims.ts';
import { type Denial, deny, type Evidence } from './denial.ts';
import { normalizeHttpUri } from './http-uri.ts';
import type { TokenIdentity } from './token-identity.ts';

/** The claim whose value must be one of the accepted audiences. */
export type AudienceClaim = 'aud' | 'client_id';

/** Which tokens are for this resource. */
export interface ExpectedAudience {
  /** One of them must stand in the claim, byte for byte. */
  readonly audiences: readonly string[];
  /** The resource itself, normalised, where `aud` may name it in any equal spelling. */
  readonly resourceUri: string | undefined;
  /** Absent = `aud`. */
  readonly audienceClaim?: AudienceClaim | undefined;
}

/** What a token says of its audience, once its shape is right. */
export interface Audience {
  readonly aud: readonly string[];
  /** Undefined where `aud` decides. */
  readonly clientId: string | undefined;
}

/** The shapes of the claims that decide; which these are, `expected` says. */
export function readAudience(payload: JsonObject, { audienceClaim }: ExpectedAudience): Audience | Denial {
  if (audienceClaim !== 'client_id') {
    const aud = readStrings('aud', payload['aud']);
    return 'denied' in aud ? aud : { aud, clientId: undefined };
  }
  const { client_id: clientId, token_use: use } = payload;
  if (clientId === undefined) return malformed('client_id is absent');
  if (typeof clientId !== 'string') return malformed('client_id is not a string');
  // Cognito: what opens an API is the access token alone
  if (use !== undefined && use !== 'access') {
    return deny('invalid_token', {
      detail: 'token_use',
      expected: 'access',
      actual: typeof use === 'string' || use === null ? String(use) : 'not a string',
    });
  }
  const aud = payload['aud'] === undefined ? [] : readStrings('aud', payload['aud']);
  return 'denied' in aud ? aud : { aud, clientId };
}

/** RFC 9068 §4: the audience names this resource. */
export function checkAudience(
  audience: Audience,
  expected: ExpectedAudience,
  token: TokenIdentity,
): Denial | undefined {
  const { aud, clientId } = audience;
  if (clientId !== undefined) return checkClient({ aud, clientId }, expected, token);
  if (aud.some((value) => expected.audiences.includes(value)) || namesResource(aud, expected)) return undefined;
  const evidence = { expected: expected.audiences.join(' '), actual: aud.join(' '), token };
  return mismatch(aud.every((value) => value === '') ? { ...evidence, detail: 'aud is empty' } : evidence);
}

/**
 * RFC 7519 §4.1.3: an `aud` that is there all the same must name the resource. So an ID token, which is for the client that
 * is accepted here, never passes.
 */
function checkClient(
  { aud, clientId }: { readonly aud: readonly string[]; readonly clientId: string },
  expected: ExpectedAudience,
  token: TokenIdentity,
): Denial | undefined {
  if (!expected.audiences.includes(clientId)) {
    return mismatch({ expected: expected.audiences.join(' '), actual: clientId, detail: 'client_id', token });
  }
  if (aud.length === 0 || namesResource(aud, expected)) return undefined;
  return mismatch({ expected: expected.resourceUri ?? 'no aud', actual: aud.join(' '), token });
}

/** RFC 8707 §2: clients ask for the resource in the spelling of their URL library, and issuers write what they are asked for. */
function namesResource(aud: readonly string[], { resourceUri }: ExpectedAudience): boolean {
  return resourceUri !== undefined && aud.some((value) => normalizeHttpUri(value) === resourceUri);
}

function mismatch(evidence: Evidence): Denial {
  return deny('audience_mismatch', evidence);
}
