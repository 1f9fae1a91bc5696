/** The bench's identity provider: one RSA key, its JWK Set and PEM, and RS256 access tokens of it. RFC 9068 §2. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { promisify } from 'node:util';

export const RESOURCE = 'https://tool.example/mcp';
export const SCOPE = 'mcp:tools';

export const KID = 'bench-1';
const LIFETIME_SECONDS = 6 * 3600;

const signOnThread = promisify<string, Buffer, KeyObject, Buffer>(sign);

export class TokenIssuer {
  readonly issuer: string;
  readonly #key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

  constructor(issuer: string) {
    this.issuer = issuer;
  }

  get jwks(): string {
    const jwk = createPublicKey(this.#key).export({ format: 'jwk' });
    return JSON.stringify({ keys: [{ ...jwk, kid: KID, alg: 'RS256', use: 'sig' }] });
  }

  get publicPem(): string {
    return createPublicKey(this.#key).export({ type: 'spki', format: 'pem' });
  }

  /** `count` tokens of as many users, in the shape and size that identity providers issue; `more` adds claims to each. */
  issue(count: number, more: (index: number) => object = () => ({})): Promise<readonly string[]> {
    return Promise.all(Array.from({ length: count }, (_, index) => this.#issueOne(index, more(index))));
  }

  async #issueOne(index: number, more: object): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const header = { alg: 'RS256', typ: 'at+jwt', kid: KID };
    const claims = {
      iss: this.issuer,
      aud: RESOURCE,
      sub: `user-${String(index).padStart(8, '0')}`,
      client_id: 'bench-client',
      scope: `openid ${SCOPE}`,
      jti: `${index}-${now}`,
      iat: now,
      exp: now + LIFETIME_SECONDS,
      ...more,
    };
    const content = `${encode(header)}.${encode(claims)}`;
    const signature = await signOnThread('sha256', Buffer.from(content), this.#key);
    return `${content}.${signature.toString('base64url')}`;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
