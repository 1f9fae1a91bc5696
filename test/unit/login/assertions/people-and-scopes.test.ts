/** What an identity assertion is good for: scopes, and who is allowed. draft-ietf-oauth-identity-assertion-authz-grant-03 §4.4.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimsIn, textIn } from '../../../support/login-client.ts';
import { BOTH, bodyOf, GRANTED, REFUSED, startAsserting, tokenResponse } from './asserting.ts';

describe('draft ID-JAG §4.4.1: scopes', () => {
  const cases: Readonly<
    Record<string, readonly [asserted: string | undefined, asked: string | undefined, granted: string]>
  > = {
    'are those of the assertion': ['mcp:write', undefined, 'mcp:write'],
    'are no more than the client asks for': ['mcp:read mcp:write', 'mcp:read', 'mcp:read'],
    'are no more than the assertion has, whatever is asked for': ['mcp:read', 'mcp:read mcp:write', 'mcp:read'],
    'are the required ones where nobody names any': [undefined, undefined, 'mcp:read'],
    'are those asked for where the assertion names none': [undefined, 'mcp:write', 'mcp:write'],
    'leave out what is none of ours': ['openid mcp:read offline_access', 'mcp:read email', 'mcp:read'],
  };
  for (const [name, [scope, asked, granted]] of Object.entries(cases)) {
    it(name, async (context) => {
      const asserting = await startAsserting(context);
      const answer = await asserting.exchange({ claims: { scope } }, { form: { scope: asked } });
      assert.deepEqual(tokenResponse(answer), { ...GRANTED, scope: granted });
      assert.equal(claimsIn(textIn(answer, 'access_token'))['scope'], granted);
    });
  }

  const NONE = { status: 400, error: 'invalid_scope', error_description: 'none of the scopes can be granted' };
  for (const [name, scope, asked] of [
    ['an empty list', '', undefined],
    ['none of ours', 'files:read', undefined],
    ['another one than the client asks for', 'mcp:read', 'mcp:write'],
  ] as const) {
    it(`are never more because the assertion has ${name}`, async (context) => {
      const asserting = await startAsserting(context);
      const answer = await asserting.exchange({ claims: { scope } }, { form: { scope: asked } });
      assert.deepEqual(bodyOf(answer), NONE);
      assert.equal(asserting.refusals[0]?.fields['reason'], 'no_scopes');
    });
  }

  it('are bounded by login.scope_grants', async (context) => {
    const scopeGrants = [
      { scopes: ['mcp:read'], everyone: true, groups: [], emails: [] },
      { scopes: ['mcp:write'], everyone: false, groups: ['writers'], emails: ['bob@example.com'] },
    ];
    const asserting = await startAsserting(context, { scopeGrants });
    const granted = async (claims: Readonly<Record<string, unknown>>): Promise<unknown> =>
      bodyOf(await asserting.exchange({ claims }))['scope'];
    assert.equal(await granted({}), 'mcp:read');
    assert.equal(await granted({ groups: ['writers'] }), 'mcp:read mcp:write');
    assert.equal(await granted({ email: 'bob@example.com' }), 'mcp:read mcp:write');
    assert.equal(await granted({ groups: 'readers' }), 'mcp:read');
  });
});

describe('login.allow', () => {
  const nobody = { everyone: false, emails: [], emailDomains: [], groups: [], subjects: [] };
  const cases = {
    'lets in by group': [{ ...nobody, groups: ['engineering'] }, { groups: ['engineering'] }, 200],
    'refuses another group': [{ ...nobody, groups: ['engineering'] }, { groups: ['Engineering'] }, 400],
    'refuses where the assertion names no groups': [{ ...nobody, groups: ['engineering'] }, {}, 400],
    'lets in by sub': [{ ...nobody, subjects: ['ann'] }, { email: undefined }, 200],
    'refuses another sub': [{ ...nobody, subjects: ['bob'] }, {}, 400],
    'lets in by a verified address': [{ ...nobody, emails: ['ann@example.com'] }, {}, 200],
    'refuses an address that is not verified': [
      { ...nobody, emails: ['ann@example.com'] },
      { email_verified: false },
      400,
    ],
    'refuses an address of which nothing is said': [
      { ...nobody, emailDomains: ['example.com'] },
      { email_verified: undefined },
      400,
    ],
    'refuses "true" for true': [{ ...nobody, emailDomains: ['example.com'] }, { email_verified: 'true' }, 400],
    'refuses a subdomain': [{ ...nobody, emailDomains: ['example.com'] }, { email: 'ann@a.example.com' }, 400],
  } as const;
  for (const [name, [allow, claims, status]] of Object.entries(cases)) {
    it(name, async (context) => {
      const asserting = await startAsserting(context, { allow });
      const answer = await asserting.exchange({ claims });
      assert.equal(answer.status, status);
      if (status === 200) return;
      assert.deepEqual(bodyOf(answer), { status, ...REFUSED });
      const { reason, actual } = asserting.refusals[0]?.fields ?? {};
      assert.deepEqual({ reason, actual }, { reason: 'not_allowed', actual: 'ann' });
    });
  }

  it('keeps an address out of the token that is not verified', async (context) => {
    const allow = { ...nobody, subjects: ['ann'] };
    const asserting = await startAsserting(context, { allow });
    const answer = await asserting.exchange({ claims: { email_verified: undefined } });
    const { email, email_verified: verified } = claimsIn(textIn(answer, 'access_token'));
    assert.deepEqual({ email, verified }, { email: undefined, verified: undefined });
  });

  it('leaves the assertion good for later, when the rules are others', async (context) => {
    const asserting = await startAsserting(context, { allow: { ...nobody, subjects: ['bob'] } });
    const assertion = await asserting.assertion();
    assert.equal((await asserting.send(assertion)).status, 400);
    await asserting.login.server.configure({ ...asserting.login.options, allow: { ...nobody, subjects: ['ann'] } });
    assert.deepEqual(tokenResponse(await asserting.send(assertion)), BOTH);
  });
});
