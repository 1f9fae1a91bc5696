/** One login for several servers: a token is for the one that its request names, and stays so. RFC 8707 §2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { Client, claimsIn, obtainCode, showConsent, tokensIn } from '../../support/login-client.ts';
import { errorOf, ISSUER, RESOURCE, startLogin } from '../../support/login-server.ts';

const FILES = `${ISSUER}/files/mcp`;
const resources = [
  { resource: RESOURCE, scopesSupported: ['mcp:read', 'mcp:write'], requiredScopes: ['mcp:read'] },
  { resource: FILES, scopesSupported: ['files:read'], requiredScopes: ['files:read'] },
];
const settings = { options: { resources } };

describe('a login for several servers', () => {
  it('asks for the one that is named, by name, and grants what it knows', async (context) => {
    const login = await startLogin(context, settings);
    const client = await Client.register(login);
    const { consent } = await showConsent(client, new Browser(login, 'alice'), { resource: FILES });
    const text = consent.text.replaceAll(/<[^>]*>/g, '');
    assert.match(text, /mcp\.example\.com\/files\/mcp/);
    assert.match(text, /files:read/);
    assert.doesNotMatch(text, /mcp:read/);
  });

  it('gives tokens for that one alone, and so does each refresh', async (context) => {
    const login = await startLogin(context, settings);
    const client = await Client.register(login);
    const code = await obtainCode(client, new Browser(login, 'alice'), { resource: FILES });
    const first = tokensIn(await client.redeem(code, { resource: undefined }));
    const { aud, scope } = claimsIn(first.access);
    assert.deepEqual([aud, scope], [FILES, 'files:read']);
    login.clock.tick(60_000);
    const next = tokensIn(await client.refresh(first.refresh));
    assert.equal(claimsIn(next.access)['aud'], FILES);
    login.clock.tick(60_000);
    const other = await client.refresh(next.refresh, { resource: RESOURCE });
    assert.deepEqual(errorOf(other), { status: 400, error: 'invalid_target' });
  });

  it('redeems no code for another one', async (context) => {
    const login = await startLogin(context, settings);
    const client = await Client.register(login);
    const code = await obtainCode(client, new Browser(login, 'alice'), { resource: FILES });
    assert.deepEqual(errorOf(await client.redeem(code)), { status: 400, error: 'invalid_target' });
  });

  it('is refused where none is named, and for what is none of them', async (context) => {
    const login = await startLogin(context, settings);
    const client = await Client.register(login);
    for (const resource of [undefined, `${ISSUER}/other`, [RESOURCE, FILES]]) {
      const answer = await new Browser(login, 'alice').get(client.authorizeUrl({ resource }));
      const error = new URL(answer.location ?? 'about:blank', ISSUER).searchParams.get('error');
      assert.ok(
        error === 'invalid_target' || error === 'invalid_request',
        `${String(resource)}: ${answer.text} ${answer.location}`,
      );
    }
  });
});
