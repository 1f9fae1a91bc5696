/** The consent page, before anybody is sent to the IdP. RFC 9700 §4.4, §4.7; MCP security best practices (confused deputy). */

import { shortClientId } from '../observe/short-client-id.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import { fieldValues } from '../wire/field-values.ts';
import { as, methodNotAllowed, page } from './answers.ts';
import { queryOf } from './authorize.ts';
import { isDocumentId } from './clients/document-url.ts';
import { expired } from './expired.ts';
import { finishFlow } from './finish-flow.ts';
import { frameOf } from './frame.ts';
import { callbackUrl, goToUpstream } from './go-to-upstream.ts';
import { findFlow, type OpenFlow } from './open-flow.ts';
import { type ConsentView, consentPage } from './pages/consent-page.ts';
import type { LoginParts, Respond } from './parts.ts';

export function createConsent(parts: LoginParts): Respond {
  return async (request) => {
    switch (request.method) {
      case 'GET':
        return show(parts, request);
      case 'POST':
        return decide(parts, request);
      default:
        return methodNotAllowed('GET, POST');
    }
  };
}

async function show(parts: LoginParts, request: LoginRequest): Promise<LoginAnswer> {
  const flow = findFlow(parts, request.fields, new URLSearchParams(queryOf(request)).get('flow'));
  if (flow === undefined) return expired(parts, request);
  const { clientId, redirectUri, resource, scopes } = flow.request;
  const client = await parts.provider.Client.find(clientId);
  if (client === undefined) return expired(parts, request);
  // Where the IdP is, and that it can be asked, before anybody agrees.
  const { url } = await parts.upstream.begin(callbackUrl(parts));
  return page(
    consentPage({
      frame: frameOf(parts, request),
      client: clientView(parts, clientId, client.clientName),
      redirectUri: new URL(redirectUri),
      idp: { name: parts.upstream.name, authorizationEndpoint: url },
      resource,
      scopes,
      canBeRemembered: parts.consents.mayRemember(flow.request),
      flow: flow.flowId,
      csrf: flow.formToken,
    }),
  );
}

function clientView({ options }: LoginParts, clientId: string, name: string | undefined): ConsentView['client'] {
  if (options.clients.static.some((client) => client.clientId === clientId)) return { name, static: true };
  // Ids of registered clients are ours, and no URLs.
  return { name, static: false, documentHost: isDocumentId(clientId) ? new URL(clientId).host : undefined };
}

async function decide(parts: LoginParts, request: LoginRequest): Promise<LoginAnswer> {
  const form = new URLSearchParams(new TextDecoder().decode(request.body));
  const flow = isSameOrigin(request, parts.options.issuer)
    ? findFlow(parts, request.fields, form.get('flow'))
    : undefined;
  if (flow === undefined || form.get('csrf') !== flow.formToken) return expired(parts, request);
  const decision = form.get('decision');
  if (decision === 'approve') return approve(parts, request, { flow, isForGood: form.get('remember') === 'yes' });
  // Who it is may have to be asked elsewhere: if that fails, nothing has ended, and the person may try again.
  const client = decision === 'deny' ? await parts.provider.Client.find(flow.request.clientId) : undefined;
  if (client === undefined || !parts.ended.end(flow.flowId)) {
    return expired(parts, request);
  }
  parts.log.info('login_refused', {
    request_id: request.requestId,
    reason: 'consent_denied',
    oauth_client: shortClientId(flow.request.clientId),
  });
  const result = { error: 'access_denied', error_description: 'the person has refused' };
  return as('consent_denied', await finishFlow(parts, flow.flowId, result));
}

interface Approval {
  readonly flow: OpenFlow;
  readonly isForGood: boolean;
}

async function approve(parts: LoginParts, request: LoginRequest, { flow, isForGood }: Approval): Promise<LoginAnswer> {
  const answer = await goToUpstream(parts, request, flow);
  const remembered = isForGood ? parts.consents.remember(flow.request, request.fields) : [];
  return { ...answer, fields: [...answer.fields, ...remembered] };
}

/** A form of another site. Browsers say where a form comes from; one that says nothing still needs the form's token. */
function isSameOrigin({ fields }: LoginRequest, issuer: string): boolean {
  const origins = fieldValues(fields, 'origin');
  const sites = fieldValues(fields, 'sec-fetch-site');
  return origins.every((origin) => origin === new URL(issuer).origin) && sites.every((site) => site === 'same-origin');
}
