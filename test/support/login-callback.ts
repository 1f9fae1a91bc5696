/** A login whose callback is still to come, for attacks on it. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Browser } from './login-browser.ts';
import { Client, reachCallback } from './login-client.ts';
import { type Answer, type Login, type LoginSettings, startLogin } from './login-server.ts';

export interface AtCallback {
  readonly login: Login;
  readonly client: Client;
  readonly browser: Browser;
  /** What the IdP has sent the browser to. */
  readonly callback: URL;
}

export async function atCallback(context: TestContext, settings: LoginSettings = {}): Promise<AtCallback> {
  const login = await startLogin(context, settings);
  const client = await Client.register(login);
  const browser = new Browser(login);
  return { login, client, browser, callback: new URL(await reachCallback(client, browser)) };
}

/** Nobody was sent anywhere, and nothing that could become a token is stored. */
export async function assertNothingGranted(
  { login, browser }: Pick<AtCallback, 'login' | 'browser'>,
  answer: Answer,
): Promise<void> {
  assert.equal(answer.location, undefined);
  assert.deepEqual(browser.arrivals, []);
  const { code, grant, family, refresh } = await login.stored();
  assert.deepEqual(
    { code, grant, family, refresh },
    { code: undefined, grant: undefined, family: undefined, refresh: undefined },
  );
}
