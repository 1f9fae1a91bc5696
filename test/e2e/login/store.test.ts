/** A store that fails in the middle, is full, or is read by somebody else. RFC 6749 §10.3 to §10.5, RFC 6819 §5.1.4.1.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { Client, logIn, obtainCode, reachCallback, showConsent } from '../../support/login-client.ts';
import { type Answer, errorOf, fieldOf, type Login, startLogin } from '../../support/login-server.ts';
import { KINDS } from '../../support/login-store.ts';

/** Where a login stands, and what comes next. */
interface Step {
  readonly name: string;
  readonly isPage: boolean;
  /** Goes as far as the step, and returns it. */
  prepare(login: Login, client: Client, browser: Browser): Promise<() => Promise<Answer>>;
}

const STEPS: readonly Step[] = [
  {
    name: 'the answer of the IdP',
    isPage: true,
    async prepare(_login, client, browser) {
      const callback = await reachCallback(client, browser);
      return () => browser.get(callback);
    },
  },
  {
    name: 'the redemption of a code',
    isPage: false,
    async prepare(_login, client, browser) {
      const code = await obtainCode(client, browser);
      return () => client.redeem(code);
    },
  },
  {
    name: 'a refresh',
    isPage: false,
    async prepare(login) {
      const { client, tokens } = await logIn(login);
      login.clock.tick(60_000);
      return () => client.refresh(tokens.refresh);
    },
  },
  {
    name: 'a revocation',
    isPage: false,
    async prepare(login) {
      const { client, tokens } = await logIn(login);
      return () => client.revoke(tokens.refresh);
    },
  },
];

/** So many calls of the store a step needs when all goes well. */
async function callsOf(login: Login, step: Step): Promise<number> {
  const go = await step.prepare(login, await Client.register(login), new Browser(login));
  const before = login.tap.calls.length;
  await go();
  return login.tap.calls.length - before;
}

function assertUnavailable(answer: Answer, isPage: boolean): void {
  assert.equal(answer.status, 503, answer.text.slice(-300));
  assert.equal(answer.location, undefined);
  assert.match(fieldOf(answer, 'retry-after') ?? '', /^\d+$/);
  assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
  if (isPage) assert.match(answer.text, /Logging in does not work just now/);
  else assert.deepEqual(errorOf(answer), { status: 503, error: 'temporarily_unavailable' });
  assert.ok(!/the test has switched it off|access_token|\.ts:/.test(answer.text));
}

describe('a store that fails at any call: 503, no code, no token, and the next login works', () => {
  for (const step of STEPS) {
    it(`in ${step.name}`, async (context) => {
      const login = await startLogin(context);
      const calls = await callsOf(login, step);
      assert.ok(calls > 0);
      for (let works = 0; works < calls; works += 1) {
        const client = await Client.register(login);
        const browser = new Browser(login);
        const go = await step.prepare(login, client, browser);
        const arrived = browser.arrivals.length;
        login.tap.callsLeft = works;
        const answer = await go();
        login.tap.callsLeft = -1;
        assert.equal(browser.arrivals.length, arrived, `after ${works} calls of ${calls}`);
        assertUnavailable(answer, step.isPage);
        assert.ok((await client.redeem(await obtainCode(client, browser))).status === 200);
      }
    });
  }

  it('is asked nothing until somebody comes back from the IdP', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const calls = login.tap.calls.length;
    login.tap.callsLeft = 0;
    const refused = await showConsent(client, new Browser(login));
    assert.equal((await refused.browser.decide(refused.consent, 'deny')).status, 303);
    const browser = new Browser(login);
    const callback = await reachCallback(client, browser);
    assert.equal(login.tap.calls.length, calls);
    assertUnavailable(await browser.get(callback), true);
    login.tap.callsLeft = -1;
    // What the IdP has given is good for one question, and none was asked.
    assert.equal((await browser.get(callback)).status, 303);
  });

  it('revokes at last what it could not revoke at first', async (context) => {
    const login = await startLogin(context);
    for (let works = 0; works < 4; works += 1) {
      const { client, tokens } = await logIn(login);
      login.tap.callsLeft = works;
      await client.revoke(tokens.refresh);
      login.tap.callsLeft = -1;
      await client.revoke(tokens.refresh);
      assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), { status: 400, error: 'invalid_grant' });
    }
  });

  it('keeps a family whose refresh failed, and its refresh token', async (context) => {
    const login = await startLogin(context);
    for (let works = 0; ; works += 1) {
      const { client, tokens } = await logIn(login);
      login.clock.tick(60_000);
      login.tap.callsLeft = works;
      const failed = await client.refresh(tokens.refresh);
      login.tap.callsLeft = -1;
      // The client has got what it asked for.
      if (failed.status === 200) return assert.ok(works > 8, `${works} calls were enough`);
      // Who failed may not have given back the turn to ask, which ends by itself.
      login.clock.tick(61_000);
      const answer = await client.refresh(tokens.refresh);
      assert.equal(answer.status, 200, `after ${works} calls: ${answer.text}`);
    }
  });

  it('has nobody redeem a code twice where the first answer was lost', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    for (let works = 0; works < 12; works += 1) {
      const code = await obtainCode(client, new Browser(login));
      login.tap.callsLeft = works;
      const first = await client.redeem(code);
      login.tap.callsLeft = -1;
      const answers = [first, await client.redeem(code), await client.redeem(code)];
      assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
    }
  });
});

describe('RFC 6819 §4.4.1.11: strangers cannot fill the memory', () => {
  it('keeps nothing of logins that they begin, approve and refuse', async (context) => {
    const login = await startLogin(context);
    for (let count = 0; count < 100; count += 1) {
      const client = await Client.register(login);
      const { browser, consent } = await showConsent(client, new Browser(login));
      assert.equal((await browser.decide(consent, 'approve')).status, 303);
      assert.equal((await browser.get('/oauth/callback?code=x&state=x')).status, 400);
      if (count % 2 === 0) assert.equal((await browser.decide(consent, 'deny')).status, 303);
    }
    assert.deepEqual(await login.stored(), {});
  });
});

describe('RFC 6819 §5.1.4.1.3: who reads the store learns nothing', () => {
  it('holds nothing in clear, under names that tell nothing', async (context) => {
    const login = await startLogin(context);
    const { client, code, tokens } = await logIn(login);
    await showConsent(client, new Browser(login), { state: 'a-state-that-would-be-found' });
    const all = (await login.tap.values()).join('\n');
    const idpTokens = login.idp.issued.flatMap((text) => text.match(/[\w-]{20,}/g) ?? []);
    const secrets = [
      tokens.access,
      tokens.refresh,
      code,
      client.id,
      client.verifier,
      client.state,
      'a-state-that',
      'alice',
      '127.0.0.1',
    ];
    for (const secret of [...secrets, ...idpTokens]) assert.ok(!all.includes(secret), secret);
    for (const line of all.split('\n')) assert.match(line, /^([\w-]+:[\w-]{43}|secret:witness) [\w-]+$/);
    assert.ok(KINDS.some((kind) => all.includes(`${kind}:`)));
  });
});
