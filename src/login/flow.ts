/** A login from the request of a client to its end, as its browser carries it. RFC 6749 §4.1.1. */
import type { AdapterPayload } from 'oidc-provider';
import { isString } from '../oauth/claims.ts';

export interface Flow {
  /** What the library made of the request, and finds when the flow ends. */
  readonly interaction: AdapterPayload;
  /** What forms repeat: nobody but this browser's own pages can know it. */
  readonly formToken: string;
  /** Whoever has logged in may not use this server: the next one is to be asked who they are. */
  readonly asksForAnother: boolean;
}

/** What the client has asked for. */
export interface ClientRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  /** In our spelling, whether the client has named it or there is but one. */
  readonly resource: string;
  readonly scopes: readonly string[];
}

/** Undefined for what is no interaction of the library. */
export function readRequest({ params }: AdapterPayload): ClientRequest | undefined {
  const { client_id: clientId, redirect_uri: redirectUri, resource, scope } = params ?? {};
  if (!isString(resource) || !isString(clientId) || !isString(redirectUri) || !isString(scope)) return undefined;
  return { clientId, redirectUri, resource, scopes: scope.split(' ') };
}
