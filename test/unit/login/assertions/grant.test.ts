/** An access token for an identity assertion. draft-ietf-oauth-identity-assertion-authz-grant-03 §4.4, §7.2, §8.1; MCP Enterprise-Managed Authorization §5; RFC 9068. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeProtectedHeader } from 'jose';
import { parseObject } from '../../../support/json.ts';
import { claimsIn, encode, logIn, textIn } from '../../../support/login-client.ts';
import { fieldOf, ISSUER, RESOURCE } from '../../../support/login-server.ts';
import { issuerKey, TEST_ALGORITHMS } from '../../../support/test-issuer.ts';
import {
  AGENT,
  type Asserting,
  BOTH,
  basic,
  bodyOf,
  FORM,
  JWT_BEARER,
  startAsserting,
  tokenResponse,
  validate,
} from './asserting.ts';

const lastLogin = ({ login }: Asserting): unknown =>
  login.events.findLast(({ event }) => event === 'login_succeeded')?.fields;

describe('draft ID-JAG §4.4: the access token', () => {
  it('is one of RFC 9068 for the person of the assertion, without a page and without a refresh token', async (context) => {
    const asserting = await startAsserting(context);
    const answer = await asserting.exchange();
    assert.deepEqual(tokenResponse(answer), BOTH);
    assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
    const token = textIn(answer, 'access_token');
    const { jti, iat, exp, ...claims } = Object(await validate(asserting.login, 'Bearer', token));
    assert.deepEqual(claims, {
      iss: ISSUER,
      aud: RESOURCE,
      sub: 'ann',
      client_id: AGENT,
      scope: 'mcp:read mcp:write',
      email: 'ann@example.com',
      email_verified: true,
    });
    assert.deepEqual([typeof jti, iat, exp - iat], ['string', Math.floor(Date.now() / 1000), 900]);
    assert.equal(decodeProtectedHeader(token).typ, 'at+jwt');
    assert.deepEqual(lastLogin(asserting), {
      subject: 'ann',
      oauth_client: AGENT,
      scope: 'mcp:read mcp:write',
      by: 'identity_assertion',
    });
    assert.deepEqual(await asserting.login.stored(), {}, 'nothing of a family, a grant or a code');
  });

  it('speaks for the same sub as a login at the IdP', async (context) => {
    const asserting = await startAsserting(context);
    const asserted = claimsIn(textIn(await asserting.exchange({ claims: { sub: 'alice' } }), 'access_token'));
    const { tokens } = await logIn(asserting.login, { account: 'alice' });
    assert.equal(claimsIn(tokens.access)['sub'], asserted['sub']);
  });

  it('tells the name, and the groups of whoever has some', async (context) => {
    const asserting = await startAsserting(context);
    const answer = await asserting.exchange({ claims: { name: 'Ann', groups: ['engineering', 7, ''] } });
    const { name, groups } = claimsIn(textIn(answer, 'access_token'));
    assert.deepEqual({ name, groups }, { name: 'Ann', groups: ['engineering'] });
  });

  for (const alg of TEST_ALGORITHMS) {
    it(`is given for a signature with ${alg}`, async (context) => {
      const asserting = await startAsserting(context);
      const key = issuerKey(alg, `of-${alg}`);
      asserting.issuer.publish(asserting.issuer.key, key);
      assert.deepEqual(tokenResponse(await asserting.exchange({ key })), BOTH);
    });
  }

  it('is given without a kid, where a key fits', async (context) => {
    const asserting = await startAsserting(context);
    assert.deepEqual(tokenResponse(await asserting.exchange({ header: { kid: undefined } })), BOTH);
  });

  it('is given to a client that sends its secret in the form (client_secret_post)', async (context) => {
    const asserting = await startAsserting(context);
    const form = { client_id: AGENT, client_secret: 'the secret of an agent, and of another one' };
    assert.deepEqual(tokenResponse(await asserting.exchange({}, { fields: [], form })), BOTH);
  });

  it('is given where the client names the resource as well (MCP authorization, RFC 8707 §2)', async (context) => {
    const asserting = await startAsserting(context);
    assert.deepEqual(tokenResponse(await asserting.exchange({}, { form: { resource: RESOURCE } })), BOTH);
  });

  it('is given for the resource in another spelling of RFC 3986 §6.2', async (context) => {
    const asserting = await startAsserting(context);
    const claims = { resource: RESOURCE.replace('https://mcp', 'HTTPS://MCP') };
    assert.deepEqual(tokenResponse(await asserting.exchange({ claims })), BOTH);
  });

  it('lives as long as any, also where the assertion ends in a second', async (context) => {
    const asserting = await startAsserting(context);
    const answer = await asserting.exchange({ claims: { exp: Date.now() / 1000 + 1 } });
    assert.deepEqual(tokenResponse(answer), BOTH);
  });
});

describe('draft ID-JAG §7.2: the metadata', () => {
  const read = async ({ login }: Asserting): Promise<unknown> => {
    const { text } = await login.ask({ target: '/.well-known/oauth-authorization-server' });
    const { grant_types_supported: grants, authorization_grant_profiles_supported: profiles } = parseObject(text);
    return { grants, profiles };
  };

  it('lists the grant type and the profile, and nobody whose assertions are taken', async (context) => {
    const asserting = await startAsserting(context);
    assert.deepEqual(await read(asserting), {
      grants: ['authorization_code', 'refresh_token', JWT_BEARER],
      profiles: ['urn:ietf:params:oauth:grant-profile:id-jag'],
    });
    const { text } = await asserting.login.ask({ target: '/.well-known/oauth-authorization-server' });
    assert.ok(!text.includes('acme'));
  });

  it('lists neither where no assertions are taken, and the grant type is unknown', async (context) => {
    const asserting = await startAsserting(context, { identityAssertions: [] });
    assert.deepEqual(await read(asserting), { grants: ['authorization_code', 'refresh_token'], profiles: undefined });
    const { status, error } = bodyOf(await asserting.exchange());
    assert.deepEqual({ status, error }, { status: 400, error: 'unsupported_grant_type' });
  });

  it('follows a new configuration', async (context) => {
    const asserting = await startAsserting(context);
    await asserting.login.server.configure({ ...asserting.login.options, identityAssertions: [] });
    assert.equal(bodyOf(await asserting.exchange())['error'], 'unsupported_grant_type');
    await asserting.login.server.configure(asserting.login.options);
    assert.deepEqual(tokenResponse(await asserting.exchange()), BOTH);
  });
});

describe('draft ID-JAG §8.1: who may come', () => {
  const ask = async (asserting: Asserting, fields: readonly string[], form = {}): Promise<unknown> => {
    const { status, error } = bodyOf(await asserting.exchange({}, { fields, form }));
    return { status, error };
  };

  it('nobody without authentication', async (context) => {
    const asserting = await startAsserting(context);
    assert.deepEqual(await ask(asserting, []), { status: 400, error: 'invalid_request' });
    assert.deepEqual(await ask(asserting, [], { client_id: AGENT }), { status: 401, error: 'invalid_client' });
  });

  it('nobody with a wrong secret', async (context) => {
    const asserting = await startAsserting(context);
    const fields = ['authorization', basic(AGENT, 'another secret')];
    assert.deepEqual(await ask(asserting, fields), { status: 401, error: 'invalid_client' });
  });

  it('no public client, though it is named', async (context) => {
    const asserting = await startAsserting(context);
    const answer = await asserting.exchange(
      { claims: { client_id: 'public' } },
      { fields: [], form: { client_id: 'public' } },
    );
    const { status, error } = bodyOf(answer);
    assert.deepEqual({ status, error }, { status: 400, error: 'invalid_request' });
  });

  it('no client that is not named, though it is the one of the assertion', async (context) => {
    const asserting = await startAsserting(context);
    const { status, error } = bodyOf(
      await asserting.exchange({ claims: { client_id: 'other' } }, { clientId: 'other' }),
    );
    assert.deepEqual({ status, error }, { status: 400, error: 'invalid_request' });
  });

  it('no client that has registered itself', async (context) => {
    const asserting = await startAsserting(context);
    const { client } = await logIn(asserting.login);
    const answer = await asserting.login.ask({
      method: 'POST',
      target: '/oauth/token',
      fields: FORM,
      body: encode({
        grant_type: JWT_BEARER,
        client_id: client.id,
        assertion: await asserting.assertion({ claims: { client_id: client.id } }),
      }),
    });
    assert.deepEqual([answer.status, bodyOf(answer)['error']], [400, 'invalid_request']);
  });
});
