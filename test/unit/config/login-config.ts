/** Configs with `login` for tests. */
import { minimal } from './loading.ts';

export const OBEX_SECRET = 's'.repeat(32);
export const CLIENT_SECRET = 'hunter2';

const CREDENTIALS = `  client_id: "obex"\n  client_secret: "${CLIENT_SECRET}"\n`;
const ALLOW = '  allow: { email_domains: [example.com] }\n';

/** With every key that is needed: `login:` in line 9, what comes before `more` in lines 10 to 13, `more` from line 14 on. */
export function google(more = ''): string {
  return login(`  provider: google\n${CREDENTIALS}${ALLOW}${more}`);
}

/** The same for an IdP that must be named; `more` from line 15 on. */
export function oidc(more = '', issuer = 'https://idp.example'): string {
  return login(`  provider: oidc\n  issuer: "${issuer}"\n${CREDENTIALS}${ALLOW}${more}`);
}

/** Whatever stands in the section, from line 10 on. */
export function login(section: string): string {
  const scopes = '  scopes_supported: [mcp:read, mcp:write]\n';
  return minimal(`${scopes}login:\n${section}`).replace('obex:\n', `obex:\n  secret: "${OBEX_SECRET}"\n`);
}
