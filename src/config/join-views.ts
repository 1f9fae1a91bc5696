/** What each server sees of a configuration → one Config, and all warnings once. */
import type { Config, OneServer, ServerView, SharedLimits } from './schema.ts';
import { collectWarnings } from './warnings.ts';

/** Undefined name: the only one. */
interface NamedView {
  readonly name: string | undefined;
  readonly view: ServerView;
}

/** Undefined without any. `limits` are those that all of several servers share. */
export function joinViews(views: readonly NamedView[], limits: SharedLimits | undefined): Config | undefined {
  const [first, ...others] = views.map(toServer);
  const view = views[0]?.view;
  if (first === undefined || view === undefined) return undefined;
  const { backend: _backend, resource: _resource, authz: _authz, ...common } = view;
  const servers: Config['servers'] = [first, ...others];
  if (limits === undefined) return { ...common, servers };
  return { ...common, limits, idp: withoutTerms(view, servers), servers };
}

function toServer({ name, view }: NamedView): OneServer {
  const { backend, resource, authz, limits, idp } = view;
  return {
    name,
    backend: name === undefined || backend.command.length === 0 ? backend : { ...backend, url: programUrl(name) },
    resource,
    authz,
    limits: {
      max_request_body: limits.max_request_body,
      rate_limit: limits.rate_limit,
      max_requests_per_principal: limits.max_requests_per_principal,
      max_streams_per_principal: limits.max_streams_per_principal,
    },
    issuers: idp === undefined ? [] : [idp, ...idp.additional_issuers].map(termsOf),
  };
}

/** Where the programs thread has it. */
function programUrl(name: string): URL {
  return new URL(`http://programs/${name}`);
}

type WrittenIdp = NonNullable<ServerView['idp']>;

/** The tokens of `login` are for the resource, whatever else it accepts. */
function termsOf({ keys, audiences, scope_claims }: Pick<WrittenIdp, 'keys' | 'audiences' | 'scope_claims'>) {
  return { audiences: keys === 'login' ? [] : audiences, scope_claims };
}

/** Of issuers that are shared nothing is said that one server's resource has put there. */
function withoutTerms({ idp, resource }: ServerView, servers: Config['servers']): Config['idp'] {
  if (idp === undefined) return undefined;
  const [first, ...others] = servers;
  const differs = (index: number): boolean => {
    const claims = JSON.stringify(first.issuers[index]?.scope_claims);
    return others.some(({ issuers }) => JSON.stringify(issuers[index]?.scope_claims) !== claims);
  };
  const claimsOf = (claims: string[], index: number): string[] => (differs(index) ? [] : claims);
  return {
    ...idp,
    audiences: [],
    scope_claims: claimsOf(idp.scope_claims, 0),
    additional_issuers: idp.additional_issuers.map((entry, index) => ({
      ...entry,
      audiences: entry.audiences === resource.audiences || entry.keys === 'login' ? [] : entry.audiences,
      scope_claims: claimsOf(entry.scope_claims, index + 1),
    })),
  };
}

/** What is about one server. */
const OF_SERVER =
  /\b(?:backend|resource|authz)\.[a-z]|\blimits\.(?:max_requests_per|max_streams_per|max_request_body|rate_limit)/;

/** What is about one server says which; the rest is said once. */
export function collectServerWarnings(views: readonly NamedView[]): readonly string[] {
  const all = views.flatMap(({ name, view }) =>
    collectWarnings(view).map((text) =>
      name !== undefined && OF_SERVER.test(text) ? `servers.${name}: ${text}` : text,
    ),
  );
  return [...new Set(all)];
}
