/** Signing keys that change while tokens live. RFC 7517 §5, RFC 9068 §2.1, §4. */
import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { describe, it } from 'node:test';
import { isRecord, parseObject } from '../../support/json.ts';
import { Browser } from '../../support/login-browser.ts';
import { logIn, obtainCode, showConsent, tokensIn } from '../../support/login-client.ts';
import { fieldOf, type Login, startLogin } from '../../support/login-server.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

interface Jwk {
  readonly kid: string;
  readonly members: Readonly<Record<string, unknown>>;
}

async function published(login: Login): Promise<readonly Jwk[]> {
  const answer = await login.ask({ target: '/oauth/jwks' });
  assert.equal(answer.status, 200);
  const { keys } = parseObject(answer.text);
  assert.ok(Array.isArray(keys));
  return keys.filter(isRecord).map((members) => ({ kid: String(members['kid']), members }));
}

function headerOf(token: string): Readonly<Record<string, unknown>> {
  return parseObject(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString());
}

/** As a resource server would: by the key that the header names, out of the published ones. */
async function isVerified(login: Login, token: string): Promise<boolean> {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const key = (await published(login)).find(({ kid }) => kid === headerOf(token)['kid']);
  if (key === undefined) return false;
  const { crv, kty, x, y } = key.members;
  const jwk = { crv: String(crv), kty: String(kty), x: String(x), y: String(y) };
  const publicKey = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', Buffer.from(`${header}.${payload}`), publicKey, Buffer.from(signature, 'base64url'));
}

/** Time passes, and the login looks after its keys once. */
async function pass(login: Login, ms: number): Promise<void> {
  login.clock.setTime(Date.now() + ms);
  await login.passMinute();
}

describe('RFC 9068 §2.1: access tokens are signed by a published key, and say which', () => {
  it('publishes public members alone', async (context) => {
    const login = await startLogin(context);
    const { tokens } = await logIn(login);
    const [key = assert.fail(), ...more] = await published(login);
    assert.deepEqual(more, []);
    assert.deepEqual(Object.keys(key.members).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    assert.deepEqual(headerOf(tokens.access), { alg: 'ES256', typ: 'at+jwt', kid: key.kid });
    assert.ok(await isVerified(login, tokens.access));
    assert.match(fieldOf(await login.ask({ target: '/oauth/jwks' }), 'cache-control') ?? '', /max-age=\d+/);
  });
});

describe('RFC 7517 §5: a key is published before it signs, and for as long as what it has signed', () => {
  it('goes over to a new key in a month, with every token verified throughout', async (context) => {
    const login = await startLogin(context);
    const first = (await logIn(login)).tokens.access;
    await pass(login, 30 * DAY_MS - 15 * MINUTE_MS);
    const young = (await logIn(login)).tokens.access;
    await pass(login, 15 * MINUTE_MS);
    assert.equal((await published(login)).length, 2);
    assert.equal(login.keys.at(-1)?.length, 2);
    const between = (await logIn(login)).tokens.access;
    await pass(login, 11 * MINUTE_MS);
    const last = (await logIn(login)).tokens.access;
    const [one, ...others] = [first, young, between].map((token) => headerOf(token)['kid']);
    assert.deepEqual(others, [one, one]);
    assert.notEqual(headerOf(last)['kid'], one);
    for (const token of [between, last]) assert.ok(await isVerified(login, token));
    await pass(login, 2 * DAY_MS);
    assert.deepEqual(
      (await published(login)).map(({ kid }) => kid),
      [headerOf(last)['kid']],
    );
  });

  it('refreshes, and ends flows that are under way, while the keys change', async (context) => {
    const login = await startLogin(context);
    await pass(login, 30 * DAY_MS);
    const { client, tokens } = await logIn(login);
    const browser = new Browser(login);
    const { consent } = await showConsent(client, browser);
    const code = await obtainCode(client, new Browser(login));
    await pass(login, 0);
    assert.equal((await client.redeem(code)).status, 200);
    await pass(login, 9 * MINUTE_MS);
    await pass(login, 59_000);
    assert.equal((await browser.get(await browser.passIdp(await browser.decide(consent, 'approve')))).status, 303);
    await pass(login, MINUTE_MS);
    const { access } = tokensIn(await client.refresh(tokens.refresh));
    assert.notEqual(headerOf(access)['kid'], headerOf(tokens.access)['kid']);
    for (const token of [tokens.access, access]) assert.ok(await isVerified(login, token));
  });

  for (const [name, ms] of [
    ['forward', DAY_MS],
    ['back', -DAY_MS],
  ] as const) {
    it(`signs with a published key after the clock was set ${name} a day`, async (context) => {
      const login = await startLogin(context);
      const { client, tokens } = await logIn(login);
      await pass(login, ms);
      const { access } = tokensIn(await client.refresh(tokens.refresh));
      assert.ok(await isVerified(login, access));
      assert.ok(await isVerified(login, tokens.access));
    });
  }

  it('goes on with the keys that it has while the store fails', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    login.tap.callsLeft = 0;
    await pass(login, 5 * MINUTE_MS);
    assert.ok(await isVerified(login, tokens.access));
    login.tap.callsLeft = -1;
    assert.ok(await isVerified(login, tokensIn(await client.refresh(tokens.refresh)).access));
  });
});
