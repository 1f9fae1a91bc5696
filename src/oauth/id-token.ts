/** ID tokens, which tell a client who has logged in and open nothing. OpenID Connect Core §2, §3.1.3.6, §3.3.2.11. */

import type { JsonObject } from '../lib/json-text.ts';
import { isAccessTokenType, readIssuer, readParties } from './access-token.ts';
import { type Denial, deny, isDenied } from './denial.ts';
import type { TokenIdentity } from './token-identity.ts';

/** Defined for ID tokens alone: they tie one to a login, to the access token, to the code that came with it. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'] as const;
/** How issuers say it in words of their own: Cognito, Keycloak. */
const ID_TOKEN_WORDS = [
  ['token_use', 'id'],
  ['typ', 'ID'],
] as const;

/**
 * Refuses what is plainly an ID token. Its audience is a client, so that it would pass wherever a client id is an accepted
 * audience. A `typ` of RFC 9068 §2.1 decides first: no ID token has it.
 */
export function refuseIdToken(typ: string | undefined, payload: JsonObject): Denial | undefined {
  if (typ !== undefined && isAccessTokenType(typ)) return undefined;
  const sign = findSign(payload);
  if (sign === undefined) return undefined;
  const token = identify(payload);
  const evidence = { expected: 'an access token', actual: `an ID token, as ${sign}` };
  return deny('id_token', token === undefined ? evidence : { ...evidence, token });
}

function findSign(payload: JsonObject): string | undefined {
  const claim = ID_TOKEN_CLAIMS.find((name) => typeof payload[name] === 'string');
  if (claim !== undefined) return `it holds ${claim}`;
  const word = ID_TOKEN_WORDS.find(([name, value]) => payload[name] === value);
  return word && `its ${word[0]} is ${word[1]}`;
}

function identify(payload: JsonObject): TokenIdentity | undefined {
  const issuer = readIssuer(payload);
  const parties = readParties(payload);
  return typeof issuer !== 'string' || isDenied(parties) ? undefined : { issuer, ...parties };
}
