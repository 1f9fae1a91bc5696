/** Configs that are legal and may still not be what was meant. */

import { closeRelation } from '../lib/close-relation.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { isLocalAddress } from './listen.ts';
import { collectLoginWarnings } from './login-warnings.ts';
import type { ServerView } from './schema.ts';
import { collectTokenWarnings } from './token-warnings.ts';

type Rule = readonly [applies: boolean, warning: string];

/** Whole sentences, the most serious first. */
export function collectWarnings(config: ServerView): string[] {
  const rules = [
    dpopRules,
    redisRules,
    assertionRules,
    certificateRules,
    networkRules,
    scopeRules,
    resourceRules,
    limitRules,
  ];
  const others = rules.flatMap((rulesOf) => rulesOf(config));
  return [
    ...applying(authenticationRules(config)),
    ...collectLoginWarnings(config),
    ...collectTokenWarnings(config),
    ...applying(others),
  ];
}

function applying(rules: readonly Rule[]): readonly string[] {
  return rules.filter(([applies]) => applies).map(([, warning]) => warning);
}

function authenticationRules({ idp, obex }: ServerView): readonly Rule[] {
  return [
    [
      idp === undefined,
      'PHASE 1: OBEX AUTHENTICATES NOBODY. Every request with any bearer token reaches the backend. Add idp with its issuer ' +
        'to verify tokens',
    ],
    [
      idp?.dangerously_allow_http === true,
      'idp.dangerously_allow_http: keys may be fetched over http; whoever can touch that network can forge tokens',
    ],
    [
      idp !== undefined && obex.allowed_hosts.length > 0,
      'obex.allowed_hosts has no effect from phase 2 on: tokens decide, not the Host field',
    ],
  ];
}

function dpopRules({ dpop, obex }: ServerView): readonly Rule[] {
  return [
    [
      dpop.enabled &&
        dpop.nonce === 'required' &&
        dpop.replay_cache.backend === 'redis' &&
        (dpop.nonce_secret ?? obex.secret) === undefined,
      'dpop.nonce_secret and obex.secret are absent: with more than one replica each refuses the nonces of the others; give all ' +
        'the same obex.secret',
    ],
    [
      dpop.replay_cache.backend === 'memory' && dpop.replay_cache.redis.url !== '',
      'dpop.replay_cache.redis.url has no effect without dpop.replay_cache.backend: redis: each replica remembers proofs by itself, ' +
        'and takes one that another has taken',
    ],
    [
      dpop.nonce === 'off' && dpop.nonce_secret !== undefined,
      'dpop.nonce_secret has no effect without dpop.nonce: required',
    ],
  ];
}

function redisRules({ redis, login, dpop }: ServerView): readonly Rule[] {
  const isUsed = login?.store.backend === 'redis' || dpop.replay_cache.backend === 'redis';
  return [
    [
      redis.url !== '' && !isUsed,
      'redis.url has no effect: nothing is told redis. Write login.store.backend: redis, or dpop.replay_cache.backend: redis',
    ],
  ];
}

function assertionRules({ backend: { assertion } }: ServerView): readonly Rule[] {
  const { enabled, audience, key_file: keyFile } = assertion;
  return [
    [
      enabled && keyFile === '',
      'backend.assertion.key_file is empty: each replica makes a key of its own at start and publishes no other, so that a backend ' +
        'which asks one replica for keys refuses the assertions of the others, and after a restart those of all until it asks again. ' +
        'Give all the same file',
    ],
    [
      !enabled && (audience !== '' || keyFile !== ''),
      'backend.assertion has no effect without enabled: true: the backend gets no X-Obex-Assertion',
    ],
  ];
}

function certificateRules({ idp, obex }: ServerView): readonly Rule[] {
  const { client_auth: auth, client_ca_file: authorities } = obex.tls;
  return [
    [
      auth !== 'off' && authorities === '',
      `obex.tls.client_auth: ${auth} without client_ca_file takes any certificate, also one that its client has made: tokens may ` +
        'be bound to it, but it keeps nobody out. Set client_ca_file if it should',
    ],
    [
      idp === undefined && (auth === 'request' || obex.client_cert_header),
      'certificates of clients have no effect without idp: no token is verified that could be bound to one',
    ],
  ];
}

function networkRules({ obex, backend }: ServerView): readonly Rule[] {
  const sendsHeaders = Object.keys(backend.headers).length > 0;
  return [
    [
      !obex.tls.enabled && !isLocalAddress(obex.listen),
      'obex.listen: plain http on an address that other machines may reach; tokens are readable on the way unless a TLS ' +
        'terminator stands in front. Set obex.tls.enabled, or listen on 127.0.0.1',
    ],
    [
      // A unix socket is for a terminator in any case.
      !obex.tls.enabled &&
        obex.public_url.protocol === 'https:' &&
        'port' in obex.listen &&
        isLocalAddress(obex.listen),
      'obex.public_url begins with https:// while obex.listen is plain http on this machine: right behind a TLS terminator that ' +
        'runs here too; without one nobody can connect. Set obex.tls.enabled if there is none',
    ],
    [
      obex.tls.enabled && obex.public_url.protocol === 'http:',
      'obex.public_url begins with http:// although obex.tls.enabled is true',
    ],
    [
      obex.trusted_proxies.some((cidr) => cidr.endsWith('/0')),
      'obex.trusted_proxies trusts every address: any client can choose the address it is logged and limited under',
    ],
    [
      backend.command.length > 0 && backend.user === '',
      'backend.command runs as the user of Obex and can read what Obex can: keys, secrets, tokens in its memory. Set backend.user, or trust it as ' +
        'you trust Obex',
    ],
    [
      sendsHeaders && backend.url.protocol === 'http:' && !isLocal(backend.url),
      'backend.headers go to backend.url over plain http; use https unless the network between is yours',
    ],
  ];
}

function scopeRules({ resource, authz }: ServerView): readonly Rule[] {
  const implications = closeRelation(authz.scope_implies);
  const offered = [...resource.scopes_supported, ...authz.challenge_scopes];
  const obtainable = new Set([...offered, ...offered.flatMap((scope) => [...(implications.get(scope) ?? [])])]);
  const unlisted = authz.required_scopes.filter((scope) => !obtainable.has(scope));
  const named = new Set([...resource.scopes_supported, ...authz.required_scopes, ...Object.keys(authz.scope_implies)]);
  const unnamed = [...new Set(Object.values(authz.scope_implies).flat())].filter((scope) => !named.has(scope));
  return [
    [
      unnamed.length > 0,
      `authz.scope_implies grants ${unnamed.join(' ')}, which neither authz.required_scopes nor resource.scopes_supported names: ` +
        'the backend finds it in X-Obex-Scopes. Add it to resource.scopes_supported if that is meant',
    ],
    [
      unlisted.length > 0,
      `authz.required_scopes: ${unlisted.join(' ')} is not in resource.scopes_supported: clients that ask for the scopes named ` +
        'there get tokens that are refused. Add it there',
    ],
  ];
}

function resourceRules({ resource, cors, obex }: ServerView): readonly Rule[] {
  const written = resource.url.replace(/\?.*$/s, '');
  const { origin, pathname } = new URL(resource.url);
  const asked = origin + pathname;
  return [
    [
      cors.allowed_origins.includes('*'),
      'cors.allowed_origins "*": pages of every site may use Obex with a token they hold',
    ],
    [
      origin !== obex.public_url.origin,
      'resource.url has another scheme, host or port than obex.public_url: clients that reach Obex under public_url refuse ' +
        'metadata of another resource (RFC 9728 §3.3)',
    ],
    [
      written !== asked,
      `resource.url "${written}" is "${asked}" to the URL libraries of most clients: they ask the IdP for that, and compare the ` +
        `metadata with it. Write it so${resource.audiences.length === 0 ? '' : ', in resource.audiences too,'} and give users the same text`,
    ],
    [
      resource.url.includes('?'),
      'resource.url has a query: many clients will not find its metadata (RFC 8707 §2 advises against it)',
    ],
  ];
}

function limitRules({ limits, backend }: ServerView): readonly Rule[] {
  const { max_requests_per_principal, max_streams_per_principal } = limits;
  return Object.entries({ max_requests_per_principal, max_streams_per_principal }).map(([key, most]) => [
    most !== undefined && most > backend.max_requests,
    `limits.${key} is more than backend.max_requests, which is reached before: one principal may then take the place of all ` +
      'others. Make it less',
  ]);
}

/** Loopback, or a bare name as containers of one network use it. */
function isLocal(url: URL): boolean {
  return isLoopbackHost(url.hostname) || !/[.:]/.test(url.hostname);
}
