/** Tokens as identity providers make them, end to end: tenants, claims, audiences and scopes in other words. RFC 9068 §2, §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseChallenge } from '../support/challenge.ts';
import { bearer, bodyOf, type ConfigParts } from '../support/obex.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { assertRefusal } from '../support/refusal.ts';
import { type Phase2Stack, startPhase1, startPhase2 } from '../support/stack.ts';
import { issuerKey, type TokenOptions } from '../support/test-issuer.ts';

const TENANT = 'https://tenant-2.example/';
const METADATA = '/.well-known/oauth-protected-resource/mcp';

async function send(stack: Phase2Stack, token: TokenOptions = {}): Promise<RawResponse> {
  return stack.obex.send({ lines: [await stack.authorization(token)] });
}

/** What the backend was told of the last request. */
function told(stack: Phase2Stack, name: string): readonly string[] {
  return stack.backend.requests.at(-1)?.values(name) ?? [];
}

/** `scope` of the Bearer challenge. */
function askedFor(response: RawResponse): string | undefined {
  return new Map(parseChallenge(response.values('www-authenticate')[0] ?? '').parameters).get('scope');
}

describe('idp.issuer_aliases', () => {
  const sections: ConfigParts['sections'] = { idp: `issuer_aliases: ["${TENANT}"]` };

  it('lets in tokens of a further tenant under the same keys, and tells the backend which one it is', async (context) => {
    const stack = await startPhase2(context, { sections });
    assert.equal((await send(stack, { claims: { iss: TENANT } })).status, 200);
    assert.deepEqual(told(stack, 'x-obex-issuer'), [TENANT]);
    assert.equal((await send(stack)).status, 200);
    assert.deepEqual(told(stack, 'x-obex-issuer'), [stack.issuer.url]);
  });

  it('is no login for anybody else: another tenant, another spelling, another key', async (context) => {
    const stack = await startPhase2(context, { sections });
    for (const iss of ['https://tenant-3.example/', TENANT.slice(0, -1), TENANT.toUpperCase()]) {
      assertRefusal(await send(stack, { claims: { iss } }), 'invalid_issuer');
    }
    assertRefusal(
      await send(stack, { claims: { iss: TENANT }, key: issuerKey('RS256', 'forger', 'key-1') }),
      'invalid_signature',
    );
    assert.equal(stack.backend.received(), '');
  });

  it('leaves the metadata to the issuer itself', async (context) => {
    const stack = await startPhase2(context, { sections });
    const metadata = bodyOf(await stack.obex.send({ target: METADATA }));
    assert.deepEqual(metadata['authorization_servers'], [stack.issuer.url]);
  });

  it('a key that is taken out of the set takes the tokens of all tenants along', async (context) => {
    const stack = await startPhase2(context, { sections });
    const line = bearer(await stack.issuer.token({ claims: { iss: TENANT } }));
    assert.equal((await stack.obex.send({ lines: [line] })).status, 200);
    const fresh = issuerKey('RS256', 'key-2');
    stack.issuer.publish(fresh);
    assert.equal((await send(stack, { key: fresh })).status, 200);
    assertRefusal(await stack.obex.send({ lines: [line] }), 'unknown_key');
  });
});

describe('idp.scope_claims', () => {
  const sections: ConfigParts['sections'] = {
    idp: 'scope_claims: [scp, "/realm_access/roles"]',
    authz: 'required_scopes: ["mcp:read"]',
  };
  const claims = { scope: undefined };

  it('takes what the configuration names of the first claim there is', async (context) => {
    const stack = await startPhase2(context, { sections });
    const roles = { ...claims, realm_access: { roles: ['offline_access', 'mcp:read', 'mcp:admin'] } };
    assert.equal((await send(stack, { claims: roles })).status, 200);
    assert.deepEqual(
      told(stack, 'x-obex-scopes'),
      ['mcp:read'],
      'the backend is not told of roles that nobody has named',
    );
    assertRefusal(await send(stack, { claims: { ...roles, scp: 'other' } }), 'insufficient_scope', {
      scope: 'mcp:read',
    });
    assertRefusal(await send(stack, { claims: { scope: 'mcp:read' } }), 'insufficient_scope', { scope: 'mcp:read' });
  });

  it('the log says which claim was of no use', async (context) => {
    const stack = await startPhase2(context, { sections });
    await send(stack, { claims: { ...claims, realm_access: { roles: ['other'] } } });
    const { detail } = await stack.obex.event('request');
    assert.equal(detail, '/realm_access/roles holds no scope that the configuration names');
  });
});

describe('idp.audience_claim: client_id', () => {
  const sections: ConfigParts['sections'] = { resource: 'audiences: [client-1]', idp: 'audience_claim: client_id' };
  const claims = { aud: undefined, token_use: 'access' };

  it('lets in access tokens of the clients named', async (context) => {
    const stack = await startPhase2(context, { sections });
    assert.equal((await send(stack, { claims })).status, 200);
    assertRefusal(await send(stack, { claims: { ...claims, client_id: 'client-2' } }), 'audience_mismatch');
  });

  it('and no ID token of such a client', async (context) => {
    const stack = await startPhase2(context, { sections });
    const idToken = { aud: 'client-1', client_id: undefined, scope: undefined };
    const header = { typ: undefined };
    assertRefusal(await send(stack, { claims: { ...idToken, token_use: 'id' }, header }), 'id_token');
    assertRefusal(await send(stack, { claims: { ...claims, token_use: 'id' } }), 'invalid_token');
    assertRefusal(await send(stack, { claims: idToken, header }), 'invalid_token');
    assertRefusal(await send(stack, { claims: { ...idToken, client_id: 'client-1' }, header }), 'audience_mismatch');
    assert.equal(stack.backend.received(), '');
  });
});

describe('resource.authorization_servers', () => {
  it('is what the metadata say, and who registers at Obex is sent there', async (context) => {
    const resource = 'authorization_servers: ["https://login.example/tenant"]';
    const stack = await startPhase2(context, { sections: { resource } });
    const metadata = bodyOf(await stack.obex.send({ target: METADATA }));
    assert.deepEqual(metadata['authorization_servers'], ['https://login.example/tenant']);
    const refused = await stack.obex.send({ method: 'POST', target: '/register', body: '{}' });
    assert.match(String(bodyOf(refused)['error_description']), /log in at https:\/\/login\.example\/tenant,/);
    assert.equal((await send(stack)).status, 200, 'whose tokens are accepted is another matter');
  });
});

describe('what clients are told to ask for', () => {
  const sections: ConfigParts['sections'] = {
    resource: 'scopes_supported: ["mcp.read", "mcp.write"]\nscope_prefix: "api://app/"',
    authz: 'required_scopes: ["mcp.read"]\nchallenge_scopes: [openid]',
  };

  it('is resource.scope_prefix before each scope, and authz.challenge_scopes besides', async (context) => {
    const stack = await startPhase2(context, { sections });
    const wanted = 'api://app/mcp.read openid';
    assert.equal(askedFor(await stack.obex.send()), wanted);
    const refused = await send(stack, { claims: { scope: 'mcp.write' } });
    assert.equal(refused.status, 403);
    assert.equal(askedFor(refused), wanted);
    const metadata = bodyOf(await stack.obex.send({ target: METADATA }));
    assert.deepEqual(metadata['scopes_supported'], ['api://app/mcp.read', 'api://app/mcp.write', 'openid']);
  });

  it('is what tokens may say too, and the backend gets the short form', async (context) => {
    const stack = await startPhase2(context, { sections });
    for (const scope of ['mcp.read', 'api://app/mcp.read']) {
      assert.equal((await send(stack, { claims: { scope } })).status, 200, scope);
      assert.deepEqual(told(stack, 'x-obex-scopes'), ['mcp.read']);
    }
  });

  it('challenge_scopes are asked for and never needed', async (context) => {
    const stack = await startPhase2(context, { sections: { authz: 'challenge_scopes: [openid]' } });
    assert.equal(askedFor(await stack.obex.send()), 'openid');
    assert.equal((await send(stack, { claims: { scope: undefined } })).status, 200);
  });

  it('phase 1: the metadata ask for scopes in full too', async (context) => {
    const resource = 'scopes_supported: [a]\nscope_prefix: "x:"\nauthorization_servers: ["https://login.example"]';
    const { obex } = await startPhase1(context, { sections: { resource } });
    const metadata = bodyOf(await obex.send({ target: METADATA }));
    assert.deepEqual(metadata['scopes_supported'], ['x:a']);
    assert.deepEqual(metadata['authorization_servers'], ['https://login.example']);
  });
});

describe('authz.scope_implies', () => {
  const authz =
    'required_scopes: ["mcp:read"]\nscope_implies: { "mcp:admin": ["mcp:write"], "mcp:write": ["mcp:read"] }';

  it('a scope holds what it implies, also for the backend', async (context) => {
    const stack = await startPhase2(context, { sections: { authz } });
    assert.equal((await send(stack, { claims: { scope: 'mcp:admin' } })).status, 200);
    assert.deepEqual(told(stack, 'x-obex-scopes'), ['mcp:admin mcp:read mcp:write']);
    assertRefusal(await send(stack, { claims: { scope: 'mcp:other' } }), 'insufficient_scope', { scope: 'mcp:read' });
  });

  it('a reload takes it back at once, for known tokens too', async (context) => {
    const stack = await startPhase2(context, { sections: { authz } });
    const lines = [await stack.authorization({ claims: { scope: 'mcp:admin' } })];
    assert.equal((await stack.obex.send({ lines })).status, 200);
    await stack.obex.reload(stack.config({ authz: 'required_scopes: ["mcp:read"]' }));
    assertRefusal(await stack.obex.send({ lines }), 'insufficient_scope', { scope: 'mcp:read' });
  });
});
