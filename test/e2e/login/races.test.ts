/** What comes at the same moment, to one login or to two replicas of one. RFC 6749 §4.1.2, RFC 7009 §2.1, RFC 9449 §11.1, RFC 9700 §4.14. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createProver } from '../../support/dpop.ts';
import { parseObject } from '../../support/json.ts';
import { Browser } from '../../support/login-browser.ts';
import { Client, logIn, obtainCode, reachCallback, showConsent, tokensIn } from '../../support/login-client.ts';
import { type Answer, errorOf, ISSUER, type Login, startLogin, startReplica } from '../../support/login-server.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const REFUSED = { status: 400, error: 'invalid_grant' };

/** All refresh tokens that were given, of which none may be worth anything. */
async function assertAllDead(client: Client, answers: readonly Answer[]): Promise<void> {
  for (const answer of answers) {
    const { refresh_token: token } = answer.status === 200 ? parseObject(answer.text) : {};
    if (typeof token === 'string') assert.deepEqual(errorOf(await client.refresh(token)), REFUSED);
  }
}

function times<T>(count: number, act: () => Promise<T>): Promise<T>[] {
  return Array.from({ length: count }, act);
}

describe('RFC 7009 §2.1: the revocation takes place immediately', () => {
  for (const [name, ms] of [
    ['known to be confirmed', 1_000],
    ['asked of the IdP meanwhile', 60_000],
  ] as const) {
    it(`leaves nothing alive of twenty refreshes around it, ${name}`, async (context) => {
      const login = await startLogin(context);
      const { client, tokens } = await logIn(login);
      const { refresh } = tokensIn(await client.refresh(tokens.refresh));
      login.clock.tick(ms);
      const before = times(10, () => client.refresh(refresh));
      const revoked = client.revoke(refresh);
      const after = times(10, () => client.refresh(refresh));
      const answers = await Promise.all([...before, ...after]);
      assert.equal((await revoked).status, 200);
      for (const answer of answers) assert.ok([200, 400, 503].includes(answer.status), answer.text);
      await assertAllDead(client, answers);
      assert.equal((await login.stored()).family, undefined);
    });
  }

  it('leaves nothing alive of a code that comes again while it is refreshed', async (context) => {
    const login = await startLogin(context);
    const { client, code, tokens } = await logIn(login);
    const before = times(5, () => client.refresh(tokens.refresh));
    const replayed = client.redeem(code);
    const answers = await Promise.all([...before, ...times(5, () => client.refresh(tokens.refresh))]);
    assert.deepEqual(errorOf(await replayed), REFUSED);
    await assertAllDead(client, answers);
    assert.equal((await login.stored()).family, undefined);
  });

  it('leaves nothing alive of a token that is reused late by twenty while its successor is used', async (context) => {
    const login = await startLogin(context);
    const { client, tokens } = await logIn(login);
    const { refresh } = tokensIn(await client.refresh(tokens.refresh));
    login.clock.tick(11_000);
    const stolen = times(20, () => client.refresh(tokens.refresh));
    const honest = await client.refresh(refresh);
    for (const answer of await Promise.all(stolen)) assert.deepEqual(errorOf(answer), REFUSED);
    await assertAllDead(client, [honest]);
  });

  it('decides once when a person approves and refuses at the same moment', async (context) => {
    const login = await startLogin(context);
    const { browser, consent } = await showConsent(await Client.register(login), new Browser(login));
    const callback = await browser.passIdp(await browser.decide(consent, 'approve'));
    await Promise.all([browser.get(callback), browser.decide(consent, 'deny'), browser.get(callback)]);
    assert.equal(browser.arrivals.length, 1);
    const { code = 0 } = await login.stored();
    assert.equal(code, browser.arrivals[0]?.searchParams.has('code') === true ? 1 : 0);
  });
});

interface Pair {
  readonly one: Login;
  readonly two: Login;
  /** The same client, asking the other replica. */
  twin(client: Client): Client;
}

async function startPair(context: TestContext): Promise<Pair> {
  const folder = createTempFolder('login');
  context.after(() => folder.remove());
  const store = { backend: 'sqlite', path: join(folder.path, 'login.db') } as const;
  const one = await startLogin(context, {
    options: { store, dpopAlgorithms: ['ES256'], secret: randomBytes(32).toString('hex') },
  });
  const two = await startReplica(context, one);
  return { one, two, twin: (client) => new Client(two, client.id, client.redirectUri) };
}

describe('two replicas are one server', () => {
  it('redeems a code once, on whichever', async (context) => {
    const { one, twin } = await startPair(context);
    const client = await Client.register(one);
    const code = await obtainCode(client, new Browser(one));
    const form = client.redemption(code);
    const answers = await Promise.all([
      ...times(5, () => client.ask('token', form)),
      ...times(5, () => twin(client).ask('token', form)),
    ]);
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });

  it('begins a login on one, and ends it on the other', async (context) => {
    const { one, two, twin } = await startPair(context);
    const client = await Client.register(one);
    const first = new Browser(one);
    const callback = await reachCallback(client, first);
    const second = new Browser(two);
    for (const [origin, cookies] of first.jar) second.jar.set(origin, cookies);
    assert.equal((await second.get(callback)).status, 303);
    assert.equal((await first.get(callback)).status, 400);
    const code = second.arrivals[0]?.searchParams.get('code') ?? '';
    assert.equal((await twin(client).ask('token', client.redemption(code))).status, 200);
  });

  it('refreshes on both at once, asks the IdP once, and ends the family on reuse', async (context) => {
    const { one, twin } = await startPair(context);
    const { client, tokens } = await logIn(one);
    one.clock.tick(60_000);
    const other = twin(client);
    const asked = one.idp.count('/token');
    const answers = await Promise.all([
      ...times(3, () => client.refresh(tokens.refresh)),
      ...times(3, () => other.refresh(tokens.refresh)),
    ]);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(one.idp.count('/token'), asked + 1);
    one.clock.tick(11_000);
    assert.deepEqual(errorOf(await other.refresh(tokens.refresh)), REFUSED);
    await assertAllDead(client, answers);
  });

  it('revokes on one what the other has given', async (context) => {
    const { one, twin } = await startPair(context);
    const { client, tokens } = await logIn(one);
    const other = twin(client);
    const { refresh } = tokensIn(await other.refresh(tokens.refresh));
    await client.revoke(refresh);
    assert.deepEqual(errorOf(await other.refresh(refresh)), REFUSED);
  });

  it('honours a proof once, on whichever (RFC 9449 §11.1)', async (context) => {
    const { one, twin } = await startPair(context);
    const client = await Client.register(one);
    const prover = createProver();
    const prove = () => {
      const claims = { htm: 'POST', htu: `${ISSUER}/oauth/token`, iat: Math.floor(Date.now() / 1000), ath: undefined };
      return ['dpop', prover.prove({ claims })];
    };
    const code = await obtainCode(client, new Browser(one));
    const { refresh } = tokensIn(await client.redeem(code, {}, prove()));
    const copy = prove();
    const other = twin(client);
    const answers = await Promise.all([
      ...times(5, () => client.refresh(refresh, {}, copy)),
      ...times(5, () => other.refresh(refresh, {}, copy)),
    ]);
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    assert.equal((await other.refresh(refresh, {}, copy)).status, 400);
  });
});
