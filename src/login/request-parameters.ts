/** Which parameters of a request reach the library, and in which spelling. RFC 6749 §3.1, §3.2, RFC 8707 §2, RFC 7636 §4.3. */
import { normalizeHttpUri } from '../oauth/http-uri.ts';
import type { LoginResource } from './options.ts';
import { requestedScopes } from './people/scopes.ts';

/** §3.1: unrecognized parameters are ignored. Request objects, claims and ID token hints are none of ours. */
const AUTHORIZATION_PARAMETERS: ReadonlySet<string> = new Set([
  'client_id',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'code_challenge',
  'code_challenge_method',
  'resource',
  'dpop_jkt',
  'prompt',
]);

/** Of all three Obex makes its own page: it does not know by itself who sits there. */
const ASKING: ReadonlySet<string> = new Set(['consent', 'login', 'select_account']);

/** A value that no library knows: it refuses it in the way in which the client can read it. */
const UNSUPPORTED = 'unsupported';

/**
 * The query of an authorization request, for the library. Parameters that stand twice stay so, for it to refuse them.
 * `scope`: what is asked for in the end.
 */
export function readAuthorizationRequest(query: string, resource: LoginResource): URLSearchParams {
  const parameters = pick(new URLSearchParams(query), AUTHORIZATION_PARAMETERS);
  nameResource(parameters, resource);
  if (parameters.getAll('scope').length < 2) {
    parameters.set('scope', askedFor(parameters.get('scope') ?? undefined, resource).join(' '));
  }
  // Who asks and when is ours (`asksForConsent`): the library sees only that a request forbids asking.
  if (parameters.get('prompt') !== 'none') parameters.delete('prompt');
  // Errors of other flows would go into the fragment.
  const types = parameters.getAll('response_type');
  if (types.length === 1 && types[0] !== 'code') parameters.set('response_type', UNSUPPORTED);
  const mode = parameters.get('response_mode') ?? 'query';
  if (mode !== 'query') parameters.set('response_mode', UNSUPPORTED);
  return parameters;
}

/** OpenID Connect Core §3.1.2.1: the client wants its person to be asked, whatever was agreed to before. */
export function asksForConsent(query: string): boolean {
  const prompts = new URLSearchParams(query).getAll('prompt').flatMap((prompt) => prompt.split(' '));
  return prompts.some((prompt) => ASKING.has(prompt));
}

/** The form of a token request, for the library. Clients ask again for scopes that never were ours, such as offline_access. */
export function readTokenRequest(form: string, resource: LoginResource): URLSearchParams {
  const parameters = new URLSearchParams(form);
  nameResource(parameters, resource);
  const [scope, ...more] = parameters.getAll('scope');
  if (scope === undefined || more.length > 0) return parameters;
  const known = requestedScopes(scope, resource);
  if (known.length === 0) parameters.delete('scope');
  else parameters.set('scope', known.join(' '));
  return parameters;
}

/**
 * A request that names nothing of ours is one without `scope`: clients ask for `openid` and `offline_access` out of habit.
 * A token without what every request needs would be good for nothing.
 */
function askedFor(scope: string | undefined, resource: LoginResource): readonly string[] {
  const asked = requestedScopes(scope, resource);
  if (asked.length === 0) return requestedScopes(undefined, resource);
  return [...new Set([...resource.requiredScopes, ...asked])];
}

/** RFC 3986 §6.2: `https://host` and `https://host/` are one, and clients write both. Another resource stays what it is. */
function nameResource(parameters: URLSearchParams, { resource }: LoginResource): void {
  const asked = parameters.getAll('resource');
  const [only] = asked;
  if (only === undefined || asked.length > 1 || !URL.canParse(only)) return;
  if (normalizeHttpUri(only) === normalizeHttpUri(resource)) parameters.set('resource', resource);
}

function pick(all: URLSearchParams, names: ReadonlySet<string>): URLSearchParams {
  return new URLSearchParams([...all].filter(([name]) => names.has(name)));
}
