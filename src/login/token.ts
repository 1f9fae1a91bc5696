/** The token and revocation endpoints, which are the library's, with parameters in the spelling of this server. RFC 6749 §3.2, RFC 7009. */
import { shortClientId } from '../observe/short-client-id.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import { fieldValues } from '../wire/field-values.ts';
import { as, json, methodNotAllowed, passOn, tooManyRequests } from './answers.ts';
import { type Injected, REQUEST_ID_FIELD, withoutRotation } from './inject.ts';
import type { LoginOptions } from './options.ts';
import type { LoginParts, Respond } from './parts.ts';
import { PATHS } from './paths.ts';
import { readTokenRequest } from './request-parameters.ts';

const FORM = /^application\/x-www-form-urlencoded[ \t]*(;|$)/i;
const PASSED = ['authorization', 'dpop', 'content-type'];

/** RFC 6749 §3.2. */
export function createTokenEndpoint(parts: LoginParts): Respond {
  const { options, inject, refreshTokens } = parts;
  return async (request) => {
    if (request.method !== 'POST') return methodNotAllowed('POST');
    const form = readForm(request, options);
    // RFC 8707 §2.2, before a code or a refresh token is used up by it.
    if (
      form?.getAll('resource').some((each) => !options.resources.some(({ resource }) => resource === each)) === true
    ) {
      return as('tokens_refused', json(400, { error: 'invalid_target' }));
    }
    if (form?.get('grant_type') === 'refresh_token') return refresh(parts, request, form);
    const answer = await inject(forLibrary(request, PATHS.token, form));
    if (answer.status !== 200) return as('tokens_refused', passOn(answer));
    return as('tokens_issued', passOn({ ...answer, body: await refreshTokens.writeFirst(answer.body) }));
  };
}

/** RFC 6749 §6. One of ours is sealed: what is not is nobody's, and the library need not be asked. */
async function refresh(
  { inject, families, refreshTokens, refreshRate, clock, log }: LoginParts,
  request: LoginRequest,
  form: URLSearchParams,
): Promise<LoginAnswer> {
  const [presented = '', ...more] = form.getAll('refresh_token');
  const known = more.length > 0 ? undefined : refreshTokens.read(presented);
  if (known === undefined) {
    const error = presented === '' || more.length > 0 ? 'invalid_request' : 'invalid_grant';
    return as('tokens_refused', json(400, { error }));
  }
  const waitMs = refreshRate.charge(known.grantId, clock.monotonicMs());
  if (waitMs > 0) {
    const family = await families.find(known.grantId);
    log.warn('login_refreshes_limited', {
      request_id: request.requestId,
      subject: family?.person.subject,
      oauth_client: family && shortClientId(family.clientId),
      key: 'login.rate_limit.refreshes_per_minute',
    });
    return as('tokens_refused', tooManyRequests(waitMs));
  }
  return refreshTokens.inTurn(known, async () => {
    const found = await refreshTokens.resolve(known);
    if (found === undefined) {
      await refreshTokens.endReused(known);
      return as('tokens_refused', json(400, { error: 'invalid_grant' }));
    }
    const { token, rotates } = found;
    form.set('refresh_token', token);
    const asked = forLibrary(request, PATHS.token, form);
    const answer = await inject(rotates ? asked : withoutRotation(asked));
    if (answer.status === 200) {
      const body = await refreshTokens.writeNext(answer.body, { ...known, token });
      return as('tokens_refreshed', passOn({ ...answer, body }));
    }
    return as('tokens_refused', passOn(answer));
  });
}

/** RFC 7009. */
export function createRevocationEndpoint({ options, inject, refreshTokens }: LoginParts): Respond {
  return async (request) => {
    if (request.method !== 'POST') return methodNotAllowed('POST');
    const form = readForm(request, options);
    const presented = refreshTokens.read(form?.get('token') ?? null);
    if (presented !== undefined) form?.set('token', presented.token);
    return passOn(await inject(forLibrary(request, PATHS.revoke, form)));
  };
}

/** Undefined for what is no form; the library says so. */
function readForm({ fields, body }: LoginRequest, { resources }: LoginOptions): URLSearchParams | undefined {
  const [type = ''] = fieldValues(fields, 'content-type');
  return FORM.test(type) ? readTokenRequest(new TextDecoder().decode(body), resources) : undefined;
}

function forLibrary(request: LoginRequest, target: string, form: URLSearchParams | undefined): Injected {
  // Errors in JSON, whatever a client says that it accepts: RFC 6749 §5.2.
  const headers = { ...passedFields(request), accept: 'application/json', [REQUEST_ID_FIELD]: request.requestId };
  return { method: 'POST', target, headers, body: form?.toString() ?? new TextDecoder().decode(request.body) };
}

/** Each stands once: whoever passed the request on has refused others. */
function passedFields({ fields }: LoginRequest): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of PASSED) {
    const [value] = fieldValues(fields, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}
