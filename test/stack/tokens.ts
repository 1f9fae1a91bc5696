/** Tokens of the stack's development IdP, without a login. RFC 6749 §4.4, RFC 8707. */
import { formatBasic } from '../../src/demo/identity-provider.ts';
import { parseObject } from '../support/json.ts';

const TOKEN_ENDPOINT = 'http://localhost:9000/token';

/** As in .env.example. */
const CLIENT = { id: 'obex-demo', secret: 'change-me-7' };

/** `resource`: what the token is meant for. */
export async function fetchToken(resource: string, scope = 'mcp:read'): Promise<string> {
  const response = await fetch(TOKEN_ENDPOINT, {
    method: 'POST',
    headers: { Authorization: formatBasic(CLIENT) },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
    signal: AbortSignal.timeout(10_000),
  });
  const { access_token: token, ...rest } = parseObject(await response.text());
  if (typeof token !== 'string') throw new Error(`the development IdP refused a token: ${JSON.stringify(rest)}`);
  return token;
}
