/** The consent page, before anybody is sent to the IdP. RFC 9700 §4.4, §4.7; MCP security best practices (confused deputy). */

import { shortClientId } from '../observe/short-client-id.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import { fieldValues } from '../wire/field-values.ts';
import { as, methodNotAllowed, page, redirect } from './answers.ts';
import { queryOf } from './authorize.ts';
import { isDocumentId } from './clients/document-url.ts';
import { finishFlow } from './finish-flow.ts';
import { digestOf, formToken } from './flow-cookies.ts';
import { frameOf } from './frame.ts';
import { type ConsentView, consentPage } from './pages/consent-page.ts';
import { expiredPage } from './pages/expired-page.ts';
import type { LoginParts, Respond } from './parts.ts';
import { FLOW_SECONDS, PATHS } from './provider.ts';
import { formatState } from './upstream-state.ts';

/** The flow of this browser, found again. */
interface FoundFlow {
  readonly flowId: string;
  readonly cookie: string;
  readonly asksForAnother: boolean;
  readonly request: ClientRequest;
}

/** What the library has stored of the authorization request. */
interface ClientRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
}

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
  const flow = await findFlow(parts, request, new URLSearchParams(queryOf(request)).get('flow'));
  if (flow === undefined) return as('expired', page(expiredPage(frameOf(parts, request))));
  const { clientId, redirectUri, scopes } = flow.request;
  const client = await parts.provider.Client.find(clientId);
  if (client === undefined) return as('expired', page(expiredPage(frameOf(parts, request))));
  // Where the IdP is, and that it can be asked, before anybody agrees.
  const { url } = await parts.upstream.begin(callbackUrl(parts));
  return page(
    consentPage({
      frame: frameOf(parts, request),
      client: clientView(parts, clientId, client.clientName),
      redirectUri: new URL(redirectUri),
      idp: { name: parts.upstream.name, authorizationEndpoint: url },
      resource: parts.options.resource.resource,
      scopes,
      flow: flow.flowId,
      csrf: formToken(flow.cookie),
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
    ? await findFlow(parts, request, form.get('flow'))
    : undefined;
  if (flow === undefined || form.get('csrf') !== formToken(flow.cookie))
    return as('expired', page(expiredPage(frameOf(parts, request))));
  const decision = form.get('decision');
  if (decision === 'approve') return goToUpstream(parts, flow);
  if (decision !== 'deny') return as('expired', page(expiredPage(frameOf(parts, request))));
  parts.log.info('login_refused', {
    request_id: request.requestId,
    reason: 'consent_denied',
    oauth_client: shortClientId(flow.request.clientId),
  });
  const result = { error: 'access_denied', error_description: 'the person has refused' };
  return as('consent_denied', await finishFlow(parts, flow.flowId, result));
}

/** Made after the approval: whoever shows this state has approved, in this browser, not long ago. */
async function goToUpstream(parts: LoginParts, { flowId, asksForAnother }: FoundFlow): Promise<LoginAnswer> {
  const { url, verifier: made } = await parts.upstream.begin(callbackUrl(parts), { asksForAnother });
  const verifier = { ...made, state: formatState(flowId, made.state) };
  url.searchParams.set('state', verifier.state);
  const { field, digest } = parts.cookies.make('state', flowId);
  const endsAtMs = parts.clock.nowMs() + FLOW_SECONDS * 1000;
  // One for a flow, the last: whoever approves again and again fills nothing.
  await parts.pending.put(flowId, { browser: digest, verifier }, endsAtMs);
  return redirect(url.href, field);
}

function callbackUrl({ options }: LoginParts): string {
  return options.issuer + PATHS.callback;
}

async function findFlow(
  { provider, flows, cookies }: LoginParts,
  request: LoginRequest,
  flowId: string | null,
): Promise<FoundFlow | undefined> {
  if (flowId === null) return undefined;
  const cookie = cookies.read('flow', flowId, request.fields);
  const flow = await flows.get(flowId);
  if (cookie === undefined || flow?.value.browser !== digestOf(cookie)) return undefined;
  const interaction = await provider.Interaction.find(flowId);
  const { client_id: clientId, redirect_uri: redirectUri, scope } = interaction?.params ?? {};
  if (typeof clientId !== 'string' || typeof redirectUri !== 'string' || typeof scope !== 'string') return undefined;
  const { asksForAnother } = flow.value;
  return { flowId, cookie, asksForAnother, request: { clientId, redirectUri, scopes: scope.split(' ') } };
}

/** A form of another site. Browsers say where a form comes from; one that says nothing still needs the form's token. */
function isSameOrigin({ fields }: LoginRequest, issuer: string): boolean {
  const origins = fieldValues(fields, 'origin');
  const sites = fieldValues(fields, 'sec-fetch-site');
  return origins.every((origin) => origin === new URL(issuer).origin) && sites.every((site) => site === 'same-origin');
}
