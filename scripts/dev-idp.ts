/** The demo's IdPs as servers of their own, for the container stack: they log everybody in, so they are for trying things out. */
import { startDevelopmentIdentityProvider } from '../src/demo/identity-provider.ts';
import { startPlainIdentityProvider } from '../src/demo/plain-identity-provider.ts';

const { DEV_IDP_CLIENT_SECRET: secret = '', DEV_IDP_PLAIN_REDIRECT_URI: redirectUri = '' } = process.env;
const clientSecret = secret === '' ? {} : { clientSecret: secret };

const idp = redirectUri === '' ? await startForMcp() : await startPlain();
console.log(`development IdP: ${idp.issuer} (client ${idp.client.id}); it logs everybody in`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void idp.stop());

/** MCP clients register and log in here. */
function startForMcp() {
  const { DEV_IDP_SCOPES: scopes = 'mcp:read', DEV_IDP_RESOURCE: resource = 'https://localhost:8443/mcp' } =
    process.env;
  return startDevelopmentIdentityProvider({ ...place(9000), resource, scopes: scopes.split(' ') });
}

/** Obex alone is a client here. */
function startPlain() {
  return startPlainIdentityProvider(redirectUri, place(9001));
}

function place(port: number) {
  const { DEV_IDP_ISSUER: issuer = `http://localhost:${port}` } = process.env;
  return { listen: { host: '::', port }, issuer, ...clientSecret };
}
