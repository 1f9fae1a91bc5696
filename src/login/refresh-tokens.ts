/** Refresh tokens that say which family they are of, to us alone: so one that was used long ago is still known. RFC 9700 §4.14.2. */
import type { AdapterPayload } from 'oidc-provider';
import { isJsonObject } from '../oauth/strict-json.ts';
import type { Families } from './family.ts';
import type { Records } from './store/records.ts';
import type { Seal } from './store/seal.ts';

/** A token of the library, and the grant that it is of. */
interface Known {
  readonly token: string;
  readonly grantId: string;
}

export interface RefreshTokensOptions {
  readonly seal: Seal;
  readonly refreshTokens: Records<AdapterPayload>;
  readonly grants: Records<AdapterPayload>;
  readonly families: Families;
}

const SEPARATOR = '.';

export class RefreshTokens {
  readonly #options: RefreshTokensOptions;

  constructor(options: RefreshTokensOptions) {
    this.#options = options;
  }

  /** Undefined for what is none of ours. */
  read(presented: string | null): Known | undefined {
    const [token = '', sealed = '', ...more] = presented?.split(SEPARATOR) ?? [];
    const grantId = more.length > 0 ? undefined : this.#options.seal.unseal(nameOf(token), sealed);
    return grantId === undefined ? undefined : { token, grantId };
  }

  /** The answer of the library with its refresh token as clients get it. */
  async write(answer: string): Promise<string> {
    const body: unknown = JSON.parse(answer);
    if (!isJsonObject(body) || typeof body['refresh_token'] !== 'string') return answer;
    const token = body['refresh_token'];
    const grantId = (await this.#options.refreshTokens.get(token))?.value.grantId;
    if (grantId === undefined) return answer;
    return JSON.stringify({
      ...body,
      refresh_token: token + SEPARATOR + this.#options.seal.seal(nameOf(token), grantId),
    });
  }

  /**
   * After a refusal. One that is not there any more has been used, or was not used for too long: whoever holds the newest
   * one of its family may be a thief, and the one who asks as well.
   */
  async judgeRefused({ token, grantId }: Known): Promise<void> {
    const { refreshTokens, grants, families } = this.#options;
    if ((await refreshTokens.get(token)) !== undefined) return;
    await grants.remove(grantId);
    await families.end(grantId, 'refresh_token_reused');
  }
}

/** It opens beside its own token alone. */
function nameOf(token: string): string {
  return `refresh token ${token}`;
}
