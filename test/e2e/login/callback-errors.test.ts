/** Errors that the IdP sends, and callbacks of nobody. RFC 6749 §4.1.2.1, RFC 9207 §2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Browser } from '../../support/login-browser.ts';
import { assertNothingGranted, atCallback } from '../../support/login-callback.ts';
import { Client, REDIRECT_URI, showConsent } from '../../support/login-client.ts';
import { ISSUER, startLogin } from '../../support/login-server.ts';

describe('RFC 6749 §4.1.2.1: an error of the IdP is shown, never followed, never rendered', () => {
  const ERRORS: readonly (readonly [status: number, error: string, description: string])[] = [
    [403, 'access_denied', 'no'],
    [502, 'invalid_request', '<script>alert(1)</script>'],
    [502, '<script>alert(1)</script>', 'x'],
    [502, 'login_required', '"><img src=x onerror=alert(1)>'],
    [503, 'server_error', '<b>x</b>'],
    [502, 'javascript:alert(1)', `\u202e${'z'.repeat(5_000)}`],
  ];
  for (const [status, error, description] of ERRORS) {
    it(`shows ${error} with ${status}`, async (context) => {
      const at = await atCallback(context);
      at.callback.searchParams.set('error', error);
      at.callback.searchParams.set('error_description', description);
      const answer = await at.browser.get(at.callback.href);
      assert.ok(!/<(script|img|b>)|\u202e|zzzzz{400}/i.test(answer.text));
      await assertNothingGranted(at, answer);
      assert.equal(at.login.idp.count('/token'), 0);
      assert.equal(answer.status, status);
    });
  }
});

describe('nobody comes back who was not sent', () => {
  it('knows no state before the approval', async (context) => {
    const login = await startLogin(context);
    const { browser, flow } = await showConsent(await Client.register(login), new Browser(login));
    const answer = await browser.get(
      `/oauth/callback?code=x&state=${flow}&iss=${encodeURIComponent(login.idp.issuer)}`,
    );
    assert.equal(answer.status, 400);
    await assertNothingGranted({ login, browser }, answer);
    assert.deepEqual(await login.stored(), {});
  });

  it('takes no form', async (context) => {
    const at = await atCallback(context);
    const answer = await at.browser.post('/oauth/callback', Object.fromEntries(at.callback.searchParams));
    assert.equal(answer.status, 405);
    await assertNothingGranted(at, answer);
  });

  it('comes to the client with code, state and iss alone', async (context) => {
    const { client, browser, callback } = await atCallback(context);
    await browser.get(callback.href);
    const [{ origin, pathname, searchParams, hash }] = [browser.arrivals[0] ?? assert.fail()];
    const { code, ...rest } = Object.fromEntries(searchParams);
    assert.deepEqual(
      { to: origin + pathname, hash, ...rest },
      { to: REDIRECT_URI, hash: '', state: client.state, iss: ISSUER },
    );
    assert.match(code ?? '', /^[\w-]{43}$/);
  });
});
