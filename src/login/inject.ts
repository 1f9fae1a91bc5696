/** Hands requests to oidc-provider without a socket, and keeps its cookies from browsers. */
import inject from 'light-my-request';
import type Provider from 'oidc-provider';
import { exposingFailures } from './failure-below.ts';

export interface Injected {
  readonly method: 'GET' | 'POST';
  /** Origin-form. */
  readonly target: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface InjectedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly body: string;
}

/** Rejects with what failed below the library. */
export type Inject = (request: Injected) => Promise<InjectedAnswer>;

/** `issuer`: host and scheme of every URL that the library writes. */
export function createInject(provider: Provider, issuer: string): Inject {
  const { host, protocol } = new URL(issuer);
  const handle = provider.callback();
  return async ({ method, target, headers, body }) => {
    const answer = await exposingFailures(() =>
      inject(handle, {
        method,
        url: target,
        headers: { ...headers, host, 'x-forwarded-proto': protocol.slice(0, -1) },
        ...(body !== undefined && { payload: body }),
      }),
    );
    return { status: answer.statusCode, headers: answer.headers, body: answer.payload };
  };
}

/** With the id of the request, for the pages that the library has us write. */
export const REQUEST_ID_FIELD = 'obex-request-id';

/** Asks for tokens and leaves the refresh token as it is; clients' own fields never get here. */
export function withoutRotation(request: Injected): Injected {
  return { ...request, headers: { ...request.headers, [KEEP_FIELD]: '1' } };
}

/** The field that `withoutRotation` adds. */
export const KEEP_FIELD = 'obex-keep-refresh-token';

/** The cookie by which the library finds the flow that it is to go on with. */
export function resumeCookie(provider: Provider, uid: string): string {
  return `${provider.cookieName('resume')}=${uid}`;
}
