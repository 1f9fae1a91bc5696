/** Of each return from the IdP the IdP is asked once: RFC 6749 §4.1.2 has it end what it gave for a code that comes twice. RFC 9700 §4.7. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { assertNothingGranted, atCallback } from '../../support/login-callback.ts';
import { Client, reachCallback, showConsent } from '../../support/login-client.ts';
import { type Answer, type Login, startLogin, startReplica } from '../../support/login-server.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const MAX_RETURNED = 10_000;

async function startPair(context: TestContext): Promise<readonly [Login, Login]> {
  const folder = createTempFolder('login');
  context.after(() => folder.remove());
  const store = { backend: 'sqlite', path: join(folder.path, 'login.db') } as const;
  const one = await startLogin(context, { options: { store, secret: randomBytes(32).toString('hex') } });
  return [one, await startReplica(context, one)];
}

/** What a browser held at some moment, for good. */
function keep(browser: Browser, login: Login): Browser {
  const kept = new Browser(login);
  for (const [name, value] of browser.cookies) kept.cookies.set(name, value);
  return kept;
}

function assertOver(answer: Answer): void {
  assert.deepEqual({ status: answer.status, location: answer.location }, { status: 400, location: undefined });
}

function assertOneIn(answers: readonly Answer[]): void {
  assert.equal(answers.filter(({ status }) => status === 303).length, 1);
  assert.equal(answers.filter(({ status }) => status === 400).length, answers.length - 1);
}

/** A browser that the attacker has sent to the IdP brings the code of its person to `at`. */
async function leak(one: Login, at: Login): Promise<{ readonly attacker: Browser; readonly callback: string }> {
  const attacker = new Browser(one, 'mallory');
  const { consent } = await showConsent(await Client.register(one), attacker);
  const victim = new Browser(at, 'alice');
  const callback = await victim.passIdp(await attacker.decide(consent, 'approve'));
  assertOver(await victim.get(callback));
  return { attacker, callback };
}

describe('a return from the IdP counts once', () => {
  it('is over at every replica once another browser has brought it', async (context) => {
    const [one, two] = await startPair(context);
    const { attacker, callback } = await leak(one, two);
    for (const login of [one, two]) assertOver(await keep(attacker, login).get(callback));
    assert.equal(one.idp.count('/token'), 0);
  });

  it('asks the IdP once for the same return at two replicas', async (context) => {
    const [one, two] = await startPair(context);
    const browser = new Browser(one);
    const callback = await reachCallback(await Client.register(one), browser);
    const twin = keep(browser, two);
    const answers = await Promise.all([browser.get(callback), twin.get(callback), keep(browser, one).get(callback)]);
    assertOneIn(answers);
    assert.equal(one.idp.count('/token'), 1);
  });

  it('grants one flow once, by two approvals that come back to two replicas at once', async (context) => {
    const [one, two] = await startPair(context);
    const browser = new Browser(one);
    const { consent } = await showConsent(await Client.register(one), browser);
    const first = await browser.passIdp(await browser.decide(consent, 'approve'));
    const early = keep(browser, one);
    const second = await browser.passIdp(await browser.decide(consent, 'approve'));
    const late = keep(browser, two);
    const answers = await Promise.all([early.get(first), late.get(second)]);
    // Both were looked at before either was granted anything.
    assert.equal(one.idp.count('/token'), 2);
    assertOneIn(answers);
    assert.equal([...early.arrivals, ...late.arrivals].length, 1);
  });

  it('asks the IdP once for kept cookies, however often they come with another code', async (context) => {
    const { login, browser, callback } = await atCallback(context);
    const kept = keep(browser, login);
    for (let count = 0; count < 10; count += 1) {
      callback.searchParams.set('code', `invented-${count}`);
      const answer = await keep(kept, login).get(callback.href);
      assert.equal(answer.status, count === 0 ? 502 : 400);
    }
    assert.equal(login.idp.count('/token'), 1);
  });

  it('asks the IdP once, though a reload and new keys come in between', async (context) => {
    const { login, browser, callback } = await atCallback(context);
    const kept = keep(browser, login);
    const first = browser.get(callback.href);
    await login.server.configure({ ...login.options, title: 'Another' });
    const answers = await Promise.all([first, kept.get(callback.href)]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [303, 400],
    );
    assert.equal(login.idp.count('/token'), 1);
  });
});

describe('a return that the IdP could not be asked about', () => {
  it('goes on by a reload of the page', async (context) => {
    const { login, browser, callback } = await atCallback(context);
    login.idp.outage = ({ path }, response) => {
      if (path !== '/token') return false;
      response.writeHead(503).end();
      return true;
    };
    for (let count = 0; count < 2; count += 1) assert.equal((await browser.get(callback.href)).status, 503);
    assert.equal((await login.stored()).returned, undefined);
    login.idp.outage = undefined;
    assert.equal((await browser.get(callback.href)).status, 303);
    assertOver(await browser.get(callback.href));
  });

  it('is not forgotten for a login that was taken back meanwhile', async (context) => {
    const at = await atCallback(context);
    at.callback.searchParams.set('error', 'server_error');
    assert.equal((await at.browser.get(at.callback.href)).status, 503);
    await assertNothingGranted(at, await new Browser(at.login, 'victim').get(at.callback.href));
    at.callback.searchParams.delete('error');
    assertOver(await at.browser.get(at.callback.href));
  });
});

describe('where strangers have filled what is kept of returns', () => {
  it('people still log in, once, and this process knows what another browser has brought', async (context) => {
    const login = await startLogin(context);
    const browser = new Browser(login);
    const callback = await reachCallback(await Client.register(login), browser);
    await login.tap.fill('returned', MAX_RETURNED);
    const kept = keep(browser, login);
    assert.equal((await browser.get(callback)).status, 303);
    assertOver(await kept.get(callback));
    assert.equal(login.idp.count('/token'), 1);
    const leaked = await leak(login, login);
    assertOver(await leaked.attacker.get(leaked.callback));
    assert.equal(login.idp.count('/token'), 1);
    assert.equal((await login.stored()).returned, MAX_RETURNED);
  });
});
