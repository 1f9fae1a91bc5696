/** A client that refreshes without a pause, and what it does to others: nothing. RFC 6585 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { logIn, tokensIn } from '../../support/login-client.ts';
import { loginOptions } from '../../support/login-options.ts';
import { errorOf, fieldOf, startLogin } from '../../support/login-server.ts';

const RATES = { ...loginOptions().rateLimit, refreshes: 3 };

describe('RFC 6585 §4: refreshes of one login are limited, and it keeps what it has', () => {
  it('is 429 beyond the rate, until there is room again; other logins of the same client id go on', async (context) => {
    const login = await startLogin(context, { options: { rateLimit: RATES } });
    const [one, other] = [await logIn(login), await logIn(login, { account: 'bob' })];
    let now = performance.now();
    context.mock.method(performance, 'now', () => now);
    let { refresh } = one.tokens;
    for (let count = 0; count < 3; count += 1) ({ refresh } = tokensIn(await one.client.refresh(refresh)));
    const refused = await one.client.refresh(refresh);
    assert.deepEqual(errorOf(refused), { status: 429, error: 'temporarily_unavailable' });
    assert.equal(fieldOf(refused, 'retry-after'), '20');
    const { event, fields } = login.events.at(-1) ?? assert.fail('nothing was logged');
    assert.equal(event, 'login_refreshes_limited');
    assert.deepEqual([fields['subject'], fields['key']], ['alice', 'login.rate_limit.refreshes_per_minute']);
    tokensIn(await other.client.refresh(other.tokens.refresh));
    now += 20_000;
    tokensIn(await one.client.refresh(refresh));
  });

  it('goes on counting over reloads and new keys; another rate begins anew', async (context) => {
    const login = await startLogin(context, { options: { rateLimit: RATES } });
    const { client, tokens } = await logIn(login);
    const now = performance.now();
    context.mock.method(performance, 'now', () => now);
    let { refresh } = tokens;
    for (let count = 0; count < 3; count += 1) ({ refresh } = tokensIn(await client.refresh(refresh)));
    await login.server.configure({ ...login.options, title: 'Another' });
    assert.equal((await client.refresh(refresh)).status, 429);
    await login.server.configure({ ...login.options, rateLimit: { ...RATES, refreshes: 4 } });
    tokensIn(await client.refresh(refresh));
  });

  it('counts nothing for a refresh token that is none, whoever sends it', async (context) => {
    const login = await startLogin(context, { options: { rateLimit: RATES } });
    const { client, tokens } = await logIn(login);
    for (let count = 0; count < 20; count += 1) {
      const answer = await client.refresh(`${tokens.refresh}x`);
      assert.deepEqual(errorOf(answer), { status: 400, error: 'invalid_grant' });
    }
    tokensIn(await client.refresh(tokens.refresh));
  });
});
