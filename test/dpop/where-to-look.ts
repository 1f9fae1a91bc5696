/** What each failure of test-dpop.ts most likely means, and where to look. The long form is docs/dpop.md. */

const BY_REASON: Readonly<Record<string, string>> = {
  no_token:
    'Obex does not take the DPoP scheme: is `dpop.enabled: true` in its configuration? See its event `listening`: phase 3',
  invalid_token: 'the token is no JWT that Obex can use: make the IdP issue JWT access tokens for this resource',
  token_not_bound:
    'the token is not bound to this key, or came under a scheme that Obex does not take (`accept_bearer_scheme`)',
  missing_dpop: 'the DPoP field did not arrive: does a proxy in front of Obex remove it?',
  invalid_dpop:
    'the log of Obex has `detail`, `expected` and `actual`: step 9 = `public_url` is not what the client types, step 11 = the clocks differ',
  dpop_replayed: 'something between here and Obex has sent the request twice',
  audience_mismatch:
    'the `aud` above is none of `resource.audiences` of Obex, which without that key is `resource.url`: ask with --resource or --audience, or add it there',
  id_token: 'this is an ID token; the access token is the other one of the two in the answer of the IdP',
  invalid_issuer: '`idp.issuer` of Obex is not the `iss` of the token, to the letter: mind the final slash',
  unknown_key: 'the IdP publishes no such key: is `idp.jwks_uri` that of this IdP?',
  unsupported_algorithm: 'add the algorithm of the token to `idp.accepted_algorithms` of Obex',
  token_expired: 'the clocks of the IdP and Obex differ',
  token_not_yet_valid: 'the clocks of the IdP and Obex differ',
  insufficient_scope: 'ask for the scopes that Obex requires with --scope; the challenge names them',
  jwks_unavailable: 'Obex cannot fetch the keys of the IdP: see `jwks_fetch_failed` in its log',
  replay_cache_unavailable: 'Obex cannot reach Redis: see `replay_cache_connect_failed` in its log',
  replay_cache_full: '`dpop.replay_cache.max_entries` is too small for the traffic',
  backend_unavailable: 'token and proof are good; the MCP server behind Obex does not answer',
};

/** A hint for a `reason` of Obex. */
export function whereToLook(reason: string): string {
  return BY_REASON[reason] ?? 'see docs/errors.md for this reason, and the log of Obex under the request id above';
}

/** A hint for a connection that failed. */
export function whereToLookFor(error: unknown): string {
  const text = describeError(error);
  if (/certificate|SELF_SIGNED|CERT_/i.test(text)) return `${text}; name its authority: NODE_EXTRA_CA_CERTS=server.crt`;
  if (/ECONNREFUSED/.test(text)) return `${text}; does it run, and on this port?`;
  return text;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${String(error.code)} ` : '';
  const own = `${code}${error.message}`.trim();
  return error.cause === undefined ? own : `${own}: ${describeError(error.cause)}`;
}
