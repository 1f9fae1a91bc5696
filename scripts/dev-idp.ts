/** The demo's IdP as a server of its own, for the container stack: it logs everybody in, so it is for trying things out. */
import { startDevelopmentIdentityProvider } from '../src/demo/identity-provider.ts';

const PORT = 9000;

const { DEV_IDP_ISSUER: issuer = `http://localhost:${PORT}`, DEV_IDP_CLIENT_SECRET: clientSecret = '' } = process.env;
const { DEV_IDP_SCOPES: scopes = 'mcp:read', DEV_IDP_RESOURCE: resource = 'https://localhost:8443/mcp' } = process.env;

const idp = await startDevelopmentIdentityProvider({
  listen: { host: '::', port: PORT },
  issuer,
  resource,
  scopes: scopes.split(' '),
  ...(clientSecret !== '' && { clientSecret }),
});
console.log(`development IdP: ${idp.issuer} (client ${idp.client.id}); it logs everybody in`);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void idp.stop());
