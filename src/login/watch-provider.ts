/** Tells the owner what the library refused, and why. Tokens, codes and secrets are in none of it. */
import type Provider from 'oidc-provider';
import { errors } from 'oidc-provider';
import type { Log } from '../observe/log.ts';
import { shortClientId } from '../observe/short-client-id.ts';
import { AssertionRefused } from './assertions/refusal.ts';
import { noteFailure } from './failure-below.ts';

export function watchProvider(provider: Provider, log: Log): void {
  const refused = (event: string, clientId: unknown, error: Error): void => {
    const evidence = error instanceof errors.OIDCProviderError ? error : undefined;
    log.info(event, {
      error: evidence?.error ?? error.name,
      detail: evidence?.error_detail ?? evidence?.error_description,
      oauth_client: typeof clientId === 'string' ? shortClientId(clientId) : undefined,
      ...(error instanceof AssertionRefused && error.refusal),
    });
  };
  provider.on('authorization.error', ({ oidc }, error) =>
    refused('login_authorization_refused', oidc.params?.['client_id'], error),
  );
  // With client_secret_basic the form does not say who it is.
  provider.on('grant.error', ({ oidc }, error) =>
    refused('login_token_refused', oidc.client?.clientId ?? oidc.params?.['client_id'], error),
  );
  provider.on('revocation.error', ({ oidc }, error) =>
    refused('login_revocation_refused', oidc.params?.['client_id'], error),
  );
  provider.on('server_error', (_context, error) => noteFailure(error));
}
