/** An IdP as most companies have one: it registers no clients, knows no resources, and its access tokens mean nothing to others. OpenID Connect Core. */
import { generateKeyPair, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { promisify } from 'node:util';
import type { Configuration } from 'oidc-provider';
import {
  createHandler,
  type DemoClient,
  type DevelopmentIdentityProviderOptions,
  importProvider,
} from './identity-provider.ts';
import { LOGIN_PATH } from './login-page.ts';
import { boundPort, closeServer } from './loopback.ts';
import { createMemoryAdapter } from './memory-adapter.ts';

export const DEMO_EMAIL_DOMAIN = 'example.com';

const HOUR = 3600;
const DAY = 86_400;

/** As those of the development IdP. */
export type PlainIdentityProviderOptions = Pick<
  DevelopmentIdentityProviderOptions,
  'listen' | 'issuer' | 'clientSecret'
>;

export interface PlainIdentityProvider {
  readonly issuer: string;
  /** Its only client. */
  readonly client: DemoClient;
  /** Grants that clients have asked for at the token endpoint, oldest first. */
  readonly grantTypes: readonly string[];
  stop(): Promise<void>;
}

/** `redirectUri`: of its only client. */
export async function startPlainIdentityProvider(
  redirectUri: string,
  options: PlainIdentityProviderOptions = {},
): Promise<PlainIdentityProvider> {
  const server = createServer();
  server.listen(options.listen ?? { host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const issuer = options.issuer ?? `http://127.0.0.1:${boundPort(server)}`;
  const client = { id: 'obex', secret: options.clientSecret ?? randomUUID() };
  const grantTypes: string[] = [];
  const ProviderClass = await importProvider();
  const provider = new ProviderClass(issuer, await buildConfiguration(client, redirectUri));
  provider.on('grant.success', ({ oidc }) => grantTypes.push(String(oidc.params?.['grant_type'])));
  server.on('request', createHandler(provider));
  return {
    issuer,
    client,
    grantTypes,
    stop: () => closeServer(server),
  };
}

async function buildConfiguration(client: DemoClient, redirectUri: string): Promise<Configuration> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return {
    adapter: createMemoryAdapter(),
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [redirectUri],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    cookies: { keys: [randomUUID()] },
    features: { devInteractions: { enabled: false } },
    findAccount: (_context, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@${DEMO_EMAIL_DOMAIN}`, email_verified: true }),
    }),
    interactions: { url: (_context, interaction) => `${LOGIN_PATH}${interaction.uid}` },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'obex-demo', alg: 'RS256', use: 'sig' }] },
    responseTypes: ['code'],
    ttl: {
      AccessToken: HOUR,
      AuthorizationCode: HOUR,
      Grant: DAY,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: DAY,
      Session: DAY,
    },
  };
}
