/** The authorization endpoint: a valid request becomes a flow of this browser, which goes on at the consent page. RFC 6749 §3.1. */
import { randomBytes } from 'node:crypto';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import { as, methodNotAllowed, passOn, redirect } from './answers.ts';
import { heldInteraction } from './carried-interaction.ts';
import { makeRoom } from './cookie-room.ts';
import { finishFlow } from './finish-flow.ts';
import { readRequest } from './flow.ts';
import { FLOW_SECONDS } from './flow-seconds.ts';
import { goToUpstream } from './go-to-upstream.ts';
import { type InjectedAnswer, REQUEST_ID_FIELD } from './inject.ts';
import type { LoginParts, Respond } from './parts.ts';
import { consentUrl, PATHS } from './paths.ts';
import { asksForConsent, readAuthorizationRequest } from './request-parameters.ts';

export function createAuthorize(parts: LoginParts): Respond {
  const { options, inject } = parts;
  return async (request) => {
    if (request.method !== 'GET') return methodNotAllowed('GET');
    const parameters = readAuthorizationRequest(queryOf(request), options.resources);
    const answer = await inject({
      method: 'GET',
      target: `${PATHS.authorize}?${parameters.toString()}`,
      headers: { accept: 'text/html', [REQUEST_ID_FIELD]: request.requestId },
    });
    const flowId = startedFlow(answer);
    return flowId === undefined ? as('authorization_refused', passOn(answer)) : begin(parts, request, flowId);
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

async function begin(parts: LoginParts, request: LoginRequest, flowId: string): Promise<LoginAnswer> {
  const { cookies, consents, clock } = parts;
  const { fields } = request;
  const interaction = heldInteraction(flowId) ?? {};
  const formToken = randomBytes(32).toString('base64url');
  const endsAtMs = clock.nowMs() + FLOW_SECONDS * 1000;
  const cookie = cookies.flow.write(flowId, { interaction, formToken, asksForAnother: false }, endsAtMs);
  if (cookie === undefined) return as('authorization_refused', await finishFlow(parts, flowId, TOO_LONG));
  const asked = readRequest(interaction);
  if (asked === undefined || asksForConsent(queryOf(request)) || !consents.has(asked, fields)) {
    const room = makeRoom(cookies, { flowId, made: cookie, fields });
    return as('began', redirect(consentUrl(flowId), [...room, ...cookie]));
  }
  return as('began', await goToUpstream(parts, request, { flowId, asksForAnother: false, endsAtMs, made: cookie }));
}

const TOO_LONG = {
  error: 'invalid_request',
  error_description: 'the request does not fit into a cookie: its state or its client_id is too long',
};
