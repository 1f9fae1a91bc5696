/** What may not be meant about `login`. RFC 9700 §4.1, RFC 7591 §5. */
import { closeRelation } from '../lib/close-relation.ts';
import { PROVIDER_FACTS } from './login-providers.ts';
import type { ServerView } from './schema.ts';

type Login = NonNullable<ServerView['login']>;
type Rule = readonly [applies: boolean, warning: string];

/** Whole sentences; none without login. */
export function collectLoginWarnings(config: ServerView): readonly string[] {
  const { login } = config;
  if (login === undefined) return [];
  const rules = [
    ...openRules(login),
    ...storeRules(login, config),
    ...issuerRules(login),
    ...tokenRules(login, config),
  ];
  return rules.filter(([applies]) => applies).map(([, warning]) => warning);
}

function openRules({ dangerously_allow_everyone, dangerously_allow_http, clients }: Login): readonly Rule[] {
  return [
    [
      dangerously_allow_everyone,
      'login.dangerously_allow_everyone: whoever has an account at the IdP is let in. Name who may log in, in login.allow',
    ],
    [
      dangerously_allow_http,
      'login.dangerously_allow_http: the IdP may be asked over http; whoever can touch that network can log in as anybody',
    ],
    [
      (clients.dynamic_registration || clients.metadata_documents !== 'off') &&
        clients.redirect_uris.includes('dangerously_any_https'),
      'login.clients.redirect_uris dangerously_any_https: any site can register as a client, and only the consent page stands ' +
        'between it and the tokens of people who follow its link. Name the redirect URIs of the clients',
    ],
    [
      !clients.dynamic_registration && clients.metadata_documents === 'off' && clients.static.length === 0,
      'login.clients: no client may register or have a document, and static names none: nobody can log in',
    ],
  ];
}

function storeRules({ store }: Login, { obex }: ServerView): readonly Rule[] {
  const isMemory = store.backend === 'memory';
  return [
    [
      isMemory,
      'login.store.backend memory: a restart logs everybody out, and more than one replica cannot share it. Write sqlite for ' +
        'one replica that stays, redis for several',
    ],
    [
      isMemory && obex.secret === undefined,
      'obex.secret is absent: it is made at start, so that a restart forgets the clients that have registered; many of them ' +
        'must then be set up anew by hand. Set it',
    ],
  ];
}

function issuerRules({ provider, issuer }: Login): readonly Rule[] {
  const { form, example } = PROVIDER_FACTS[provider];
  return [
    [
      form?.test(issuer) === false,
      `login.issuer ${JSON.stringify(issuer)} does not look like an issuer of ${provider}, ${example}: copy it from its ` +
        'discovery document',
    ],
  ];
}

function tokenRules(login: Login, { idp, resource, authz }: ServerView): readonly Rule[] {
  const implications = closeRelation(authz.scope_implies);
  const granted = login.scope_grants.flatMap(({ scopes }) => scopes);
  const held = new Set(granted.flatMap((scope) => [scope, ...(implications.get(scope) ?? [])]));
  const missing = authz.required_scopes.filter((scope) => !held.has(scope));
  return [
    [
      login.scope_grants.length > 0 && missing.length > 0,
      `login.scope_grants grants ${missing.join(' ')} to nobody, which authz.required_scopes demands: everybody who logs in is ` +
        'refused. Grant it, or do not demand it',
    ],
    [
      idp?.keys === 'login' && resource.audiences.length > 0,
      'resource.audiences has no effect: the tokens of login are for resource.url alone, and there is no other issuer',
    ],
  ];
}
