/** Where the IdP sends the person back to: who it is, whether they may, and what. OpenID Connect Core §3.1.2.5, RFC 9207 §2.4. */

import type { Client } from 'oidc-provider';
import { errorField } from '../observe/log.ts';
import { shortClientId } from '../observe/short-client-id.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import { as, methodNotAllowed, page, RETRY_AFTER_SECONDS } from './answers.ts';
import { queryOf } from './authorize.ts';
import { expired } from './expired.ts';
import { finishFlow } from './finish-flow.ts';
import { FLOW_SECONDS } from './flow-seconds.ts';
import { frameOf } from './frame.ts';
import { findFlow, type OpenFlow } from './open-flow.ts';
import type { LoginOptions } from './options.ts';
import type { Back } from './pages/back-form.ts';
import { notAllowedPage } from './pages/not-allowed-page.ts';
import { unavailablePage } from './pages/unavailable-page.ts';
import { upstreamRefusedPage } from './pages/upstream-refused-page.ts';
import type { LoginParts, Respond } from './parts.ts';
import { consentUrl, PATHS } from './paths.ts';
import { isAllowed } from './people/allow.ts';
import { describePerson } from './people/describe-person.ts';
import type { Person } from './people/person.ts';
import { grantableScopes } from './people/scopes.ts';
import { findResource } from './resources.ts';
import { StoreFull } from './store/store.ts';
import {
  UpstreamInvalid,
  type UpstreamLogin,
  UpstreamRefused,
  UpstreamUnavailable,
  type Verifier,
} from './upstream/upstream.ts';

export function createCallback(parts: LoginParts): Respond {
  return async (request) => {
    if (request.method !== 'GET') return methodNotAllowed('GET');
    const returned = await findReturned(parts, request);
    return returned === undefined ? expired(parts, request) : accept(parts, request, returned);
  };
}

/** Where the IdP has sent somebody back to, who began and agreed in this browser. */
interface Returned {
  readonly flow: OpenFlow;
  readonly verifier: Verifier;
}

async function findReturned(parts: LoginParts, request: LoginRequest): Promise<Returned | undefined> {
  const [state, ...more] = new URLSearchParams(queryOf(request)).getAll('state');
  const flowId = state === undefined || more.length > 0 ? undefined : parts.states.flowOf(state);
  if (state === undefined || flowId === undefined) return undefined;
  const flow = findFlow(parts, request.fields, flowId);
  if (flow === undefined) {
    // Another browser has come back from this login: what it has brought along is good for nobody any more.
    parts.ended.end(flowId);
    await isFirstReturn(parts, state, parts.clock.nowMs() + FLOW_SECONDS * 1000);
    return undefined;
  }
  const verifier = parts.cookies.state.read(flowId, request.fields)?.value;
  return verifier === undefined || verifier.state !== state ? undefined : { flow, verifier };
}

/**
 * Of each return the IdP is asked once, whoever sends it and to whichever replica: it would end what it has just given
 * (RFC 6749 §4.1.2). Strangers who approve logins of theirs can fill these records. Then a return counts as the first, and
 * what is left is what this process remembers of flows that have ended (`ended-flows.ts`), and the store of those granted.
 */
async function isFirstReturn({ returned }: LoginParts, state: string, endsAtMs: number): Promise<boolean> {
  try {
    return await returned.add(state, '', endsAtMs);
  } catch (error) {
    if (error instanceof StoreFull) return true;
    throw error;
  }
}

async function accept(parts: LoginParts, request: LoginRequest, { flow, verifier }: Returned): Promise<LoginAnswer> {
  const { provider, granted, returned } = parts;
  // A reload may have taken the client away. What can fail without the IdP comes before it, so that a reload of the page goes on.
  const client = await provider.Client.find(flow.request.clientId);
  const isOver = client === undefined || (await granted.get(flow.flowId)) !== undefined;
  if (isOver || !(await isFirstReturn(parts, verifier.state, flow.endsAtMs))) return expired(parts, request);
  try {
    const callback = new URL(`${parts.options.issuer}${PATHS.callback}?${queryOf(request)}`);
    return await admit(parts, request, { flow, client, login: await parts.upstream.finish(callback, verifier) });
  } catch (error) {
    if (error instanceof UpstreamUnavailable) await returned.remove(verifier.state);
    return refuse(parts, request, { error, flow });
  }
}

interface Arrival {
  readonly flow: OpenFlow;
  readonly client: Client;
  readonly login: UpstreamLogin;
}

async function admit(parts: LoginParts, request: LoginRequest, { flow, client, login }: Arrival): Promise<LoginAnswer> {
  const { options, log, granted } = parts;
  const { flowId } = flow;
  const { person } = login;
  if (!isAllowed(person, options.allow)) return refusePerson(parts, request, { flow, person });
  const scopes = grantedScopes(options, person, flow.request);
  if (scopes.length === 0) {
    log.warn('login_refused', { request_id: request.requestId, reason: 'no_scopes', ...describePerson(person) });
    const error_description = `the person may have none of these scopes: ${flow.request.scopes.join(' ')}`;
    const result = { error: 'access_denied', error_description };
    if (!parts.ended.end(flowId)) return expired(parts, request);
    return as('no_scopes', await finishFlow(parts, flowId, result));
  }
  // Of two approvals of one flow one, in this process and in others.
  const isFirst = parts.ended.end(flowId);
  if (!isFirst || !(await granted.add(flowId, client.clientId, flow.endsAtMs))) return expired(parts, request);
  const { resource } = flow.request;
  const grantId = await grant(parts, { login, client, resource, scopes });
  log.info('login_succeeded', {
    request_id: request.requestId,
    subject: person.subject,
    oauth_client: shortClientId(client.clientId),
    scope: scopes.join(' '),
  });
  const result = { login: { accountId: person.subject, remember: false }, consent: { grantId } };
  return as('logged_in', await finishFlow(parts, flowId, result));
}

/** None, where the person may not have what every request needs: such a token would be good for nothing. */
function grantedScopes(
  { scopeGrants, resources }: LoginOptions,
  person: Person,
  { resource: name, scopes: asked }: OpenFlow['request'],
): readonly string[] {
  // A reload may have taken it away.
  const resource = findResource(resources, name);
  if (resource === undefined) return [];
  const grantable = new Set(grantableScopes(person, scopeGrants, resource));
  const scopes = asked.filter((scope) => grantable.has(scope));
  return resource.requiredScopes.every((scope) => scopes.includes(scope)) ? scopes : [];
}

interface Granted {
  readonly login: UpstreamLogin;
  readonly client: Client;
  readonly resource: string;
  readonly scopes: readonly string[];
}

/** Returns the id of the grant, which is that of the family. */
async function grant(
  { provider, families }: LoginParts,
  { login, client, resource, scopes }: Granted,
): Promise<string> {
  const { clientId, clientName } = client;
  const made = new provider.Grant({ accountId: login.person.subject, clientId });
  made.addResourceScope(resource, scopes.join(' '));
  const grantId = await made.save();
  await families.begin(grantId, login, { clientId, clientName, resource, scopes });
  return grantId;
}

interface Refused {
  readonly flow: OpenFlow;
  readonly person: Person;
}

/** Nobody has got anything. Whoever logs in again in this flow is to be asked who they are. */
function refusePerson(parts: LoginParts, request: LoginRequest, { flow, person }: Refused): LoginAnswer {
  const { cookies, log, upstream } = parts;
  log.warn('login_refused', { request_id: request.requestId, reason: 'not_allowed', ...describePerson(person) });
  const { flowId, interaction, formToken, endsAtMs } = flow;
  const other = cookies.flow.write(flowId, { interaction, formToken, asksForAnother: true }, endsAtMs) ?? [];
  const view = {
    frame: frameOf(parts, request),
    person: person.email ?? person.name ?? person.subject,
    idpName: upstream.name,
    restart: consentUrl(flowId),
    back: wayBack(flow),
  };
  return as('not_allowed', page(notAllowedPage(view), [...cookies.state.clear(flowId), ...other]));
}

interface Failed {
  readonly error: unknown;
  readonly flow: OpenFlow;
}

function refuse(parts: LoginParts, request: LoginRequest, { error, flow }: Failed): LoginAnswer {
  const frame = frameOf(parts, request);
  const over = parts.cookies.state.clear(flow.flowId);
  if (error instanceof UpstreamRefused) {
    const { code, description } = error;
    parts.log.warn('login_refused', {
      request_id: request.requestId,
      reason: 'upstream_refused',
      error: code,
      detail: description,
    });
    const view = { frame, idpName: parts.upstream.name, error: code, description, back: wayBack(flow) };
    return as('upstream_refused', page(upstreamRefusedPage(view), over));
  }
  if (error instanceof UpstreamInvalid) {
    parts.log.warn('login_refused', {
      request_id: request.requestId,
      reason: 'upstream_invalid',
      error: errorField(error),
    });
    return as('upstream_invalid', page(unavailablePage({ frame, retryAfterSeconds: RETRY_AFTER_SECONDS }), over));
  }
  throw error;
}

function wayBack({ flowId, formToken, request: { redirectUri } }: OpenFlow): Back {
  return { flow: flowId, csrf: formToken, redirectUri: new URL(redirectUri) };
}
