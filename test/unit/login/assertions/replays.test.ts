/** An assertion is used once. RFC 7523 §3 rule 7, RFC 7519 §4.1.7. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { claimsIn, textIn } from '../../../support/login-client.ts';
import { assertRefused, bodyOf, REFUSED, startAsserting } from './asserting.ts';

const MINUTE_S = 60;

describe('RFC 7523 §3 rule 7: an assertion is used once', () => {
  it('and its replay is refused', async (context) => {
    const asserting = await startAsserting(context);
    const assertion = await asserting.assertion({ claims: { jti: 'once' } });
    assert.equal((await asserting.send(assertion)).status, 200);
    await assertRefused(asserting, assertion, ['used_already', { actual: 'once' }]);
  });

  it('also when it is signed anew under the same id', async (context) => {
    const asserting = await startAsserting(context);
    assert.equal((await asserting.exchange({ claims: { jti: 'once' } })).status, 200);
    const again = await asserting.assertion({ claims: { jti: 'once', sub: 'bob' } });
    await assertRefused(asserting, again, ['used_already']);
  });

  it('by one of twenty who come at once', async (context) => {
    const asserting = await startAsserting(context);
    const assertion = await asserting.assertion();
    const answers = await Promise.all(Array.from({ length: 20 }, () => asserting.send(assertion)));
    const good = answers.filter(({ status }) => status === 200);
    assert.equal(good.length, 1);
    assert.equal(claimsIn(textIn(good[0] ?? assert.fail(), 'access_token'))['sub'], 'ann');
    const others = answers.filter(({ status }) => status !== 200).map(bodyOf);
    assert.deepEqual(
      others,
      Array.from({ length: 19 }, () => ({ status: 400, ...REFUSED })),
    );
    assert.deepEqual(new Set(asserting.refusals.map(({ fields }) => fields['reason'])), new Set(['used_already']));
  });

  it('also when the clock is ahead for half an hour and is set back', async (context) => {
    const asserting = await startAsserting(context);
    const assertion = await asserting.assertion();
    assert.equal((await asserting.send(assertion)).status, 200);
    asserting.login.clock.setTime(Date.now() + 30 * MINUTE_S * 1000);
    // Room is made of what has ended.
    assert.equal((await asserting.exchange()).status, 200);
    asserting.login.clock.setTime(Date.now() - 30 * MINUTE_S * 1000);
    await assertRefused(asserting, assertion, ['used_already']);
  });

  it('and is too old once the clock goes on, young again once it is set back', async (context) => {
    const asserting = await startAsserting(context);
    const assertion = await asserting.assertion();
    asserting.login.clock.setTime(Date.now() + 10 * MINUTE_S * 1000);
    await assertRefused(asserting, assertion, ['expired']);
    asserting.login.clock.setTime(Date.now() - 10 * MINUTE_S * 1000);
    assert.equal((await asserting.send(assertion)).status, 200);
  });

  it('and is not used by a store that fails: 503, and the same assertion is good afterwards', async (context) => {
    const asserting = await startAsserting(context);
    const assertion = await asserting.assertion();
    asserting.login.tap.callsLeft = 0;
    assert.deepEqual(bodyOf(await asserting.send(assertion)), {
      status: 503,
      error: 'temporarily_unavailable',
      error_description: 'nobody can be asked just now; try again',
    });
    asserting.login.tap.callsLeft = -1;
    assert.equal((await asserting.send(assertion)).status, 200);
  });

  it('and what is kept of it is neither the id nor the person', async (context) => {
    const asserting = await startAsserting(context);
    await asserting.exchange({ claims: { jti: 'id-of-the-assertion', sub: 'ann-of-the-assertion' } });
    const values = (await asserting.login.tap.values()).filter((value) => value.startsWith('assertion:'));
    assert.equal(values.length, 1);
    assert.doesNotMatch(values.join(), /of-the-assertion/);
  });
});
