/** ID tokens, which tell a client who has logged in and open nothing. OpenID Connect Core §2, §3.1.3.6, §3.3.2.11. */
import { isAccessTokenType } from './access-token.ts';
import { type Denial, deny } from './denial.ts';
import type { JsonObject } from './strict-json.ts';

/** Defined for ID tokens alone: they tie one to a login, to the access token, to the code that came with it. */
const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash'] as const;

/**
 * Refuses what is plainly an ID token. Its audience is a client, so that it would pass wherever a client id is an accepted
 * audience. A `typ` of RFC 9068 §2.1 decides first: no ID token has it.
 */
export function refuseIdToken(typ: string | undefined, payload: JsonObject): Denial | undefined {
  if (typ !== undefined && isAccessTokenType(typ)) return undefined;
  const found = ID_TOKEN_CLAIMS.find((claim) => typeof payload[claim] === 'string');
  if (found === undefined) return undefined;
  return deny('id_token', { expected: 'an access token', actual: `an ID token, as it holds ${found}` });
}
