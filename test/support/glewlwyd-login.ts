/** People at a private glewlwyd. Its login page is a program for browsers: what that would say to its API is said here. */
import type { FollowLogin } from '../../src/demo/browserless-login.ts';

/** Confidential, with `client_secret_basic`. */
export const LOGIN_CLIENT = { id: 'obex-login', secret: 'obex-login-secret' } as const;
export const PERSON = { username: 'alice', password: 'alice-password' } as const;

/** `LOGIN_CLIENT` as its administration takes it. */
export function loginClient(redirectUrl: string): object {
  return {
    client_id: LOGIN_CLIENT.id,
    name: LOGIN_CLIENT.id,
    confidential: true,
    enabled: true,
    client_secret: LOGIN_CLIENT.secret,
    token_endpoint_auth_method: ['client_secret_basic'],
    authorization_type: ['code', 'refresh_token'],
    redirect_uri: [redirectUrl],
    scope: ['openid'],
  };
}

/** `PERSON` logs in, and grants what is asked for. */
export const logInAtGlewlwyd: FollowLogin = async (authorizationUrl, redirectUrl) => {
  const { origin, searchParams } = authorizationUrl;
  const cookie = await openSession(origin, PERSON);
  const granted = await fetch(`${origin}/api/auth/grant/${searchParams.get('client_id') ?? ''}`, {
    method: 'PUT',
    headers: { cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ scope: 'openid' }),
  });
  if (!granted.ok) throw new Error(`glewlwyd: no grant: ${granted.status}`);
  const continued = new URL(authorizationUrl);
  continued.searchParams.set('g_continue', '');
  const response = await fetch(continued, { headers: { cookie }, redirect: 'manual' });
  const location = response.headers.get('location') ?? '';
  if (!location.startsWith(redirectUrl)) throw new Error(`glewlwyd: ${response.status} ${location}`);
  return new URL(location).searchParams;
};

/** The cookie of a new session. */
export async function openSession(url: string, who: Readonly<Record<string, string>>): Promise<string> {
  const response = await fetch(`${url}/api/auth/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(who),
  });
  const [cookie] = response.headers.getSetCookie();
  if (!response.ok || cookie === undefined) throw new Error(`glewlwyd: no session: ${response.status}`);
  return cookie.slice(0, cookie.indexOf(';'));
}
