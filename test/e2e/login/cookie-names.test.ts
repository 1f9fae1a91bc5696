/** Cookies that others have set, under names that look like ours. RFC 6265bis §4.1.3.2 (`__Host-`), §8.6, RFC 9700 §4.7. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { assertNothingGranted } from '../../support/login-callback.ts';
import { Client, showConsent } from '../../support/login-client.ts';
import { loginOptions } from '../../support/login-options.ts';
import { startLogin } from '../../support/login-server.ts';

const SITE = 'https://agent.example/cb';
const AGENT = { clientId: 'agent', clientSecret: undefined, redirectUris: [SITE], name: undefined };
const CLIENTS = { ...loginOptions().clients, static: [AGENT] };
/** What a site beside ours may put before a name, which browsers keep and `String.prototype.trim` takes off. */
const BLANKS = ['\u00a0', '\ufeff', '\u2003', '\u000b', '\u000c'];

/** As a sibling domain plants them: nothing protects a name that does not begin with `__Host-`. */
function plant(from: Browser, into: Browser, blank: string, use: string): void {
  for (const [name, value] of from.cookies) if (name.includes(`-${use}-`)) into.cookies.set(blank + name, value);
}

describe('RFC 6265bis §4.1.3.2: a name that begins with a blank is no name of ours', () => {
  for (const blank of BLANKS) {
    const code = `U+${blank.charCodeAt(0).toString(16).padStart(4, '0')}`;
    it(`${code}: a victim's browser does not end the login that an attacker began`, async (context) => {
      const login = await startLogin(context);
      const attacker = new Browser(login, 'mallory');
      const { consent } = await showConsent(await Client.register(login), attacker);
      const toIdp = await attacker.decide(consent, 'approve');
      const victim = new Browser(login, 'alice');
      const callback = await victim.passIdp(toIdp);
      for (const use of ['flow', 'state']) plant(attacker, victim, blank, use);
      const answer = await victim.get(callback);
      assert.equal(answer.status, 400);
      await assertNothingGranted({ login, browser: victim }, answer);
    });

    it(`${code}: neither a flow nor a state is planted beside the other`, async (context) => {
      const login = await startLogin(context);
      const client = await Client.register(login);
      for (const planted of ['flow', 'state']) {
        const attacker = new Browser(login, 'mallory');
        const { consent, flow } = await showConsent(client, attacker);
        const toIdp = await attacker.decide(consent, 'approve');
        const victim = new Browser(login, 'alice');
        for (const [name, value] of attacker.cookies) victim.cookies.set(name, value);
        for (const name of attacker.cookies.keys()) if (name.includes(`-${planted}-`)) victim.cookies.delete(name);
        plant(attacker, victim, blank, planted);
        const shown = await victim.get(`/oauth/consent?flow=${flow}`);
        assert.equal(shown.status, planted === 'flow' ? 400 : 200);
        assert.equal((await victim.get(await victim.passIdp(toIdp))).status, 400, planted);
      }
    });

    it(`${code}: nobody has agreed by a consent that was planted`, async (context) => {
      const login = await startLogin(context, { options: { clients: CLIENTS } });
      const client = new Client(login, 'agent', SITE);
      const attacker = new Browser(login, 'mallory');
      const { consent } = await showConsent(client, attacker);
      await attacker.decide(consent, 'approve', { remember: 'yes' });
      const victim = new Browser(login, 'alice');
      plant(attacker, victim, blank, 'consents');
      assert.equal(victim.cookies.size, 1);
      assert.match((await victim.get(client.authorizeUrl())).location ?? '', /^\/oauth\/consent\?flow=/);
    });
  }

  it('reads them between SP and HTAB, in several fields, whatever stands beside them', async (context) => {
    const login = await startLogin(context);
    const { browser, flow } = await showConsent(await Client.register(login), new Browser(login));
    const [[name, value] = ['', '']] = browser.cookies;
    for (const line of [`a=b;\t ${name}=${value}\t`, `${name}=${value};`, `=;;a b=c d; é; ${name}=${value}; x`]) {
      const fields = ['cookie', 'other=1', 'Cookie', line];
      assert.equal((await login.ask({ target: `/oauth/consent?flow=${flow}`, fields })).status, 200, line);
    }
    const twice = ['cookie', `${name}=${value}`, 'cookie', `${name}=${value}`];
    assert.equal((await login.ask({ target: `/oauth/consent?flow=${flow}`, fields: twice })).status, 400);
  });
});
