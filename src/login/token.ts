/** The token and revocation endpoints, which are the library's, with parameters in the spelling of this server. RFC 6749 §3.2, RFC 7009. */
import type { LoginRequest } from '../state/login-channel.ts';
import { fieldValues } from '../wire/field-values.ts';
import { as, json, methodNotAllowed, passOn } from './answers.ts';
import type { Injected } from './inject.ts';
import type { LoginOptions } from './options.ts';
import type { LoginParts, Respond } from './parts.ts';
import { PATHS } from './provider.ts';
import { readTokenRequest } from './request-parameters.ts';

const FORM = /^application\/x-www-form-urlencoded[ \t]*(;|$)/i;
const PASSED = ['authorization', 'dpop', 'content-type'];

/** RFC 6749 §3.2. */
export function createTokenEndpoint({ options, inject, refreshTokens }: LoginParts): Respond {
  return async (request) => {
    if (request.method !== 'POST') return methodNotAllowed('POST');
    const form = readForm(request, options);
    // RFC 8707 §2.2, before a code or a refresh token is used up by it.
    if (form?.getAll('resource').some((each) => each !== options.resource.resource) === true) {
      return as('tokens_refused', json(400, { error: 'invalid_target' }));
    }
    const presented = refreshTokens.read(form?.get('refresh_token') ?? null);
    if (presented !== undefined) form?.set('refresh_token', presented.token);
    const answer = await inject(forLibrary(request, PATHS.token, form));
    const isRefresh = form?.get('grant_type') === 'refresh_token';
    if (answer.status === 200) {
      const body = await refreshTokens.write(answer.body);
      return as(isRefresh ? 'tokens_refreshed' : 'tokens_issued', passOn({ ...answer, body }));
    }
    if (presented !== undefined && answer.status === 400) await refreshTokens.judgeRefused(presented);
    return as('tokens_refused', passOn(answer));
  };
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
function readForm({ fields, body }: LoginRequest, { resource }: LoginOptions): URLSearchParams | undefined {
  const [type = ''] = fieldValues(fields, 'content-type');
  return FORM.test(type) ? readTokenRequest(new TextDecoder().decode(body), resource) : undefined;
}

function forLibrary(request: LoginRequest, target: string, form: URLSearchParams | undefined): Injected {
  // Errors in JSON, whatever a client says that it accepts: RFC 6749 §5.2.
  const headers = { ...passedFields(request), accept: 'application/json' };
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
