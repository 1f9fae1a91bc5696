/** Where the IdP sends the person back to: who it is, whether they may, and what. OpenID Connect Core §3.1.2.5, RFC 9207 §2.4. */

import type { Client } from 'oidc-provider';
import { errorField } from '../observe/log.ts';
import { shortClientId } from '../observe/short-client-id.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import { as, methodNotAllowed, page, RETRY_AFTER_SECONDS } from './answers.ts';
import { queryOf } from './authorize.ts';
import { finishFlow } from './finish-flow.ts';
import { digestOf, formToken } from './flow-cookies.ts';
import { frameOf } from './frame.ts';
import type { LoginOptions } from './options.ts';
import type { Back } from './pages/back-form.ts';
import { expiredPage } from './pages/expired-page.ts';
import { notAllowedPage } from './pages/not-allowed-page.ts';
import { unavailablePage } from './pages/unavailable-page.ts';
import { upstreamRefusedPage } from './pages/upstream-refused-page.ts';
import type { LoginParts, Respond } from './parts.ts';
import { isAllowed } from './people/allow.ts';
import { describePerson } from './people/describe-person.ts';
import type { Person } from './people/person.ts';
import { grantableScopes } from './people/scopes.ts';
import { consentUrl, FLOW_SECONDS, PATHS } from './provider.ts';
import { UpstreamInvalid, type UpstreamLogin, UpstreamRefused, type Verifier } from './upstream/upstream.ts';
import { flowOfState } from './upstream-state.ts';

export function createCallback(parts: LoginParts): Respond {
  return async (request) => {
    if (request.method !== 'GET') return methodNotAllowed('GET');
    const pending = await takePending(parts, request);
    if (pending === undefined) return as('expired', page(expiredPage(frameOf(parts, request))));
    try {
      const callback = new URL(`${parts.options.issuer}${PATHS.callback}?${queryOf(request)}`);
      return await admit(parts, request, { pending, login: await parts.upstream.finish(callback, pending.verifier) });
    } catch (error) {
      return refuse(parts, request, { error, flowId: pending.flowId });
    }
  };
}

/** Where the IdP has sent somebody back to, who began and agreed in this browser. */
interface Returned {
  readonly flowId: string;
  readonly verifier: Verifier;
}

/** Once: a second request with the same `state` finds nothing, whoever sends it. */
async function takePending({ pending, cookies }: LoginParts, request: LoginRequest): Promise<Returned | undefined> {
  const [state, ...more] = new URLSearchParams(queryOf(request)).getAll('state');
  if (state === undefined || more.length > 0) return undefined;
  const flowId = flowOfState(state);
  // Looked at first, so that nobody who knows the flow alone can use it up.
  if ((await pending.get(flowId))?.value.verifier.state !== state) return undefined;
  const found = await pending.take(flowId);
  if (found?.verifier.state !== state) return undefined;
  const cookie = cookies.read('state', flowId, request.fields);
  const isOurs = cookie !== undefined && digestOf(cookie) === found.browser;
  return isOurs ? { flowId, verifier: found.verifier } : undefined;
}

interface Arrival {
  readonly pending: Returned;
  readonly login: UpstreamLogin;
}

async function admit(parts: LoginParts, request: LoginRequest, { pending, login }: Arrival): Promise<LoginAnswer> {
  const { options, provider, log } = parts;
  const { person } = login;
  if (!isAllowed(person, options.allow)) return refusePerson(parts, request, { pending, login });
  const interaction = await provider.Interaction.find(pending.flowId);
  const { client_id: clientId, scope } = interaction?.params ?? {};
  // A reload may have taken the client away.
  const client = typeof clientId === 'string' ? await provider.Client.find(clientId) : undefined;
  if (client === undefined || typeof scope !== 'string') {
    return as('expired', page(expiredPage(frameOf(parts, request))));
  }
  const scopes = grantedScopes(options, person, scope);
  if (scopes.length === 0) {
    log.warn('login_refused', { request_id: request.requestId, reason: 'no_scopes', ...describePerson(person) });
    const result = { error: 'access_denied', error_description: 'none of these scopes' };
    return as('no_scopes', await finishFlow(parts, pending.flowId, result));
  }
  const grantId = await grant(parts, { login, client, scopes });
  log.info('login_succeeded', {
    request_id: request.requestId,
    subject: person.subject,
    oauth_client: shortClientId(client.clientId),
    scope: scopes.join(' '),
  });
  const result = { login: { accountId: person.subject, remember: false }, consent: { grantId } };
  return as('logged_in', await finishFlow(parts, pending.flowId, result));
}

/** None, where the person may not have what every request needs: such a token would be good for nothing. */
function grantedScopes({ scopeGrants, resource }: LoginOptions, person: Person, asked: string): readonly string[] {
  const grantable = new Set(grantableScopes(person, scopeGrants, resource));
  const scopes = asked.split(' ').filter((scope) => grantable.has(scope));
  return resource.requiredScopes.every((scope) => scopes.includes(scope)) ? scopes : [];
}

interface Granted {
  readonly login: UpstreamLogin;
  readonly client: Client;
  readonly scopes: readonly string[];
}

/** Returns the id of the grant, which is that of the family. */
async function grant({ options, provider, families }: LoginParts, { login, client, scopes }: Granted): Promise<string> {
  const { clientId, clientName } = client;
  const made = new provider.Grant({ accountId: login.person.subject, clientId });
  made.addResourceScope(options.resource.resource, scopes.join(' '));
  const grantId = await made.save();
  await families.begin(grantId, login, { clientId, clientName, scopes });
  return grantId;
}

/** Nobody has got anything. Whoever logs in again in this flow is to be asked who they are. */
async function refusePerson(
  parts: LoginParts,
  request: LoginRequest,
  { pending: { flowId }, login: { person } }: Arrival,
): Promise<LoginAnswer> {
  const { flows, clock, log, upstream } = parts;
  log.warn('login_refused', { request_id: request.requestId, reason: 'not_allowed', ...describePerson(person) });
  const flow = await flows.get(flowId);
  if (flow !== undefined) {
    const endsAtMs = clock.nowMs() + FLOW_SECONDS * 1000;
    await flows.replace(flowId, flow, { value: { ...flow.value, asksForAnother: true }, endsAtMs });
  }
  const view = {
    frame: frameOf(parts, request),
    person: person.email ?? person.name ?? person.subject,
    idpName: upstream.name,
    restart: consentUrl(flowId),
    back: await wayBack(parts, request, flowId),
  };
  return as('not_allowed', page(notAllowedPage(view)));
}

interface Failed {
  readonly error: unknown;
  readonly flowId: string;
}

async function refuse(parts: LoginParts, request: LoginRequest, { error, flowId }: Failed): Promise<LoginAnswer> {
  const frame = frameOf(parts, request);
  if (error instanceof UpstreamRefused) {
    const { code, description } = error;
    parts.log.warn('login_refused', {
      request_id: request.requestId,
      reason: 'upstream_refused',
      error: code,
      detail: description,
    });
    const back = await wayBack(parts, request, flowId);
    const view = { frame, idpName: parts.upstream.name, error: code, description, back };
    return as('upstream_refused', page(upstreamRefusedPage(view)));
  }
  if (error instanceof UpstreamInvalid) {
    parts.log.warn('login_refused', {
      request_id: request.requestId,
      reason: 'upstream_invalid',
      error: errorField(error),
    });
    return as('upstream_invalid', page(unavailablePage({ frame, retryAfterSeconds: RETRY_AFTER_SECONDS })));
  }
  throw error;
}

/** For as long as the flow is open. */
async function wayBack(
  { provider, cookies }: LoginParts,
  { fields }: LoginRequest,
  flow: string,
): Promise<Back | undefined> {
  const cookie = cookies.read('flow', flow, fields);
  const uri = (await provider.Interaction.find(flow))?.params['redirect_uri'];
  if (cookie === undefined || typeof uri !== 'string') return undefined;
  return { flow, csrf: formToken(cookie), redirectUri: new URL(uri) };
}
