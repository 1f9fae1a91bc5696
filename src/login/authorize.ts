/** The authorization endpoint: a valid request becomes a flow of this browser, which goes on at the consent page. RFC 6749 §3.1. */
import type { LoginRequest } from '../state/login-channel.ts';
import { as, methodNotAllowed, passOn, redirect } from './answers.ts';
import { type InjectedAnswer, REQUEST_ID_FIELD } from './inject.ts';
import type { LoginParts, Respond } from './parts.ts';
import { consentUrl, FLOW_SECONDS, PATHS } from './provider.ts';
import { readAuthorizationRequest } from './request-parameters.ts';

export function createAuthorize({ options, inject, cookies, flows, clock }: LoginParts): Respond {
  return async (request) => {
    if (request.method !== 'GET') return methodNotAllowed('GET');
    const parameters = readAuthorizationRequest(queryOf(request), options.resource);
    const answer = await inject({
      method: 'GET',
      target: `${PATHS.authorize}?${parameters.toString()}`,
      headers: { accept: 'text/html', [REQUEST_ID_FIELD]: request.requestId },
    });
    const flowId = startedFlow(answer);
    if (flowId === undefined) return as('authorization_refused', passOn(answer));
    const { field, digest } = cookies.make('flow', flowId);
    await flows.put(flowId, { browser: digest, asksForAnother: false }, clock.nowMs() + FLOW_SECONDS * 1000);
    return as('began', redirect(consentUrl(flowId), field));
  };
}

export function queryOf({ target }: LoginRequest): string {
  const start = target.indexOf('?');
  return start === -1 ? '' : target.slice(start + 1);
}

/** The library sends the person to the consent page; everything else is its answer to the client. */
function startedFlow({ status, headers: { location } }: InjectedAnswer): string | undefined {
  const prefix = consentUrl('');
  if (status !== 303 || typeof location !== 'string' || !location.startsWith(prefix)) return undefined;
  return location.slice(prefix.length);
}
