/** Which parameters of a request reach the library, and in which spelling. RFC 6749 §3.1, §3.2, RFC 8707 §2, RFC 7636 §4.3. */
import type { LoginResource } from './options.ts';
import { requestedScopes } from './people/scopes.ts';
import { findResource, scopesOfAll } from './resources.ts';

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

type Scoped = Pick<LoginResource, 'scopesSupported' | 'requiredScopes'>;
/** Of all three Obex makes its own page: it does not know by itself who sits there. */
const ASKING: ReadonlySet<string> = new Set(['consent', 'login', 'select_account']);

/** A value that no library knows: it refuses it in the way in which the client can read it. */
const UNSUPPORTED = 'unsupported';
const NO_RESOURCE = 'urn:unsupported';

/**
 * The query of an authorization request, for the library. Parameters that stand twice stay so, for it to refuse them.
 * `scope`: what is asked for in the end.
 */
export function readAuthorizationRequest(query: string, resources: readonly LoginResource[]): URLSearchParams {
  const parameters = pick(new URLSearchParams(query), AUTHORIZATION_PARAMETERS);
  nameOneResource(parameters, resources);
  const resource = nameResource(parameters, resources);
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
export function readTokenRequest(form: string, resources: readonly LoginResource[]): URLSearchParams {
  const parameters = new URLSearchParams(form);
  const resource = nameResource(parameters, resources);
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
function askedFor(scope: string | undefined, resource: Scoped): readonly string[] {
  const asked = requestedScopes(scope, resource);
  if (asked.length === 0) return requestedScopes(undefined, resource);
  return [...new Set([...resource.requiredScopes, ...asked])];
}

/** A token is for one of ours: who names it twice means it once, and who names two is refused. */
function nameOneResource(parameters: URLSearchParams, resources: readonly LoginResource[]): void {
  const asked = parameters.getAll('resource');
  const found = new Set(asked.map((each) => findResource(resources, each)));
  if (asked.length < 2 || found.has(undefined)) return;
  const [one, ...others] = found;
  parameters.set('resource', one === undefined || others.length > 0 ? NO_RESOURCE : one.resource);
}

/** One of ours gets our spelling; another one stays what it is, for the library to refuse it. Returns what scopes there may be. */
function nameResource(parameters: URLSearchParams, resources: readonly LoginResource[]): Scoped {
  const [asked, ...more] = parameters.getAll('resource');
  const found = more.length > 0 ? undefined : findResource(resources, asked);
  if (found !== undefined && asked !== undefined) parameters.set('resource', found.resource);
  const [only, ...others] = resources;
  if (only !== undefined && others.length === 0) return only;
  // Of a code or a refresh token the library knows which one it is for.
  return found ?? { scopesSupported: scopesOfAll(resources), requiredScopes: [] };
}

function pick(all: URLSearchParams, names: ReadonlySet<string>): URLSearchParams {
  return new URLSearchParams([...all].filter(([name]) => names.has(name)));
}
