/** Tells the owner what the library refused, and why. Tokens, codes and secrets are in none of it. */
import type Provider from 'oidc-provider';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Log } from '../observe/log.ts';
import { shortClientId } from '../observe/short-client-id.ts';
import { AssertionRefused } from './assertions/refusal.ts';
import { noteFailure } from './failure-below.ts';
import { REQUEST_ID_FIELD } from './inject.ts';

export function watchProvider(provider: Provider, log: Log): void {
  const refused = (event: string, context: KoaContextWithOIDC, error: Error): void => {
    const { oidc } = context;
    // With client_secret_basic the form does not say who it is.
    const clientId: unknown = oidc.client?.clientId ?? oidc.params?.['client_id'];
    // Clients that log out revoke their access token too, which the library cannot; it ends by itself.
    if (error instanceof errors.UnsupportedTokenType) return;
    const evidence = error instanceof errors.OIDCProviderError ? error : undefined;
    log.info(event, {
      request_id: context.get(REQUEST_ID_FIELD) || undefined,
      error: evidence?.error ?? error.name,
      detail: evidence?.error_detail ?? evidence?.error_description,
      oauth_client: typeof clientId === 'string' ? shortClientId(clientId) : undefined,
      ...(error instanceof AssertionRefused && error.refusal),
    });
  };
  provider.on('authorization.error', (context, error) => refused('login_authorization_refused', context, error));
  provider.on('grant.error', (context, error) => refused('login_token_refused', context, error));
  provider.on('revocation.error', (context, error) => refused('login_revocation_refused', context, error));
  provider.on('server_error', (_context, error) => noteFailure(error));
}
