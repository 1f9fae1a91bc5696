/** What `obex check` says of `login`: what to enter at the IdP, whose tokens these are, and who is let in. */
import { loginRedirectUri, ownIssuer } from '../config/own-issuer.ts';
import type { Config } from '../config/schema.ts';

/** A line each; none without login. */
export function describeLogin({ login, obex }: Config): readonly string[] {
  if (login === undefined) return [];
  return [
    `login: enter the redirect URI ${loginRedirectUri(obex.public_url)} at ${login.issuer}, for the client ${login.client_id}`,
    `login: tokens are issued by ${ownIssuer(obex.public_url)}`,
    `login: allowed are ${describeAllowed(login)}`,
  ];
}

function describeAllowed({ allow, dangerously_allow_everyone: everyone }: NonNullable<Config['login']>): string {
  if (everyone) return 'ALL who have an account at the IdP';
  const kinds = [
    ['addresses', allow.emails],
    ['addresses at', allow.email_domains],
    ['groups', allow.groups],
    ['subjects', allow.subjects],
  ] as const;
  return kinds.flatMap(([kind, names]) => (names.length === 0 ? [] : [`${kind} ${names.join(', ')}`])).join('; ');
}
