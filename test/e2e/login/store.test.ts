/** A store that fails in the middle, is full, or is read by somebody else. RFC 6749 §10.3 to §10.5, RFC 6819 §5.1.4.1.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import {
  Client,
  logIn,
  obtainCode,
  REDIRECT_URI,
  reachCallback,
  register,
  showConsent,
} from '../../support/login-client.ts';
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
    name: 'an authorization request',
    isPage: true,
    prepare: async (_login, client, browser) => () => browser.get(client.authorizeUrl()),
  },
  {
    name: 'the consent page',
    isPage: true,
    async prepare(_login, client, browser) {
      const { flow } = await showConsent(client, browser);
      return () => browser.get(`/oauth/consent?flow=${flow}`);
    },
  },
  {
    name: 'an approval',
    isPage: true,
    async prepare(_login, client, browser) {
      const { consent } = await showConsent(client, browser);
      return () => browser.decide(consent, 'approve');
    },
  },
  {
    name: 'a refusal',
    isPage: true,
    async prepare(_login, client, browser) {
      const { consent } = await showConsent(client, browser);
      return () => browser.decide(consent, 'deny');
    },
  },
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
  it('begins no more than 10,000 logins, and those that have begun go on', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const shown = await showConsent(client, new Browser(login));
    const { client: known, tokens } = await logIn(login);
    for (const kind of ['flow', 'interaction'] as const) {
      await login.tap.fill(kind, 10_000 - ((await login.stored())[kind] ?? 0));
    }
    const late = new Browser(login);
    let answer = await late.get(client.authorizeUrl());
    // It is counted again after a while, not at each.
    for (let more = 0; more < 200 && answer.status === 303; more += 1)
      answer = await login.ask({ target: client.authorizeUrl() });
    assertUnavailable(answer, true);
    assert.equal(fieldOf(answer, 'set-cookie'), undefined);
    const { flow = 0, interaction = 0 } = await login.stored();
    assert.ok(flow <= 10_200 && interaction <= 10_200);
    const { browser } = shown;
    assert.equal(
      (await browser.get(await browser.passIdp(await browser.decide(shown.consent, 'approve')))).status,
      303,
    );
    assert.equal((await known.refresh(tokens.refresh)).status, 200);
    assert.equal((await register(login, { redirect_uris: [REDIRECT_URI] })).status, 201);
    login.clock.tick(600_000);
    assert.equal((await late.get(client.authorizeUrl())).status, 303);
  });

  it('holds flows of strangers for ten minutes, and nothing beside them', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    for (let count = 0; count < 100; count += 1) await login.ask({ target: client.authorizeUrl() });
    assert.deepEqual(await login.stored(), { flow: 100, interaction: 100 });
    login.clock.tick(600_000);
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
