/** The keys of the issuer of assertions: rotated, called back, out of reach. RFC 7517 §5, RFC 9110 §15.6.4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AssertionKeys } from '../../../../src/login/assertions/issuer-keys.ts';
import { JwksCache } from '../../../../src/state/jwks-cache.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { loginOptions } from '../../../support/login-options.ts';
import { fieldOf } from '../../../support/login-server.ts';
import { issuerKey, type JwksState, startTestIssuer } from '../../../support/test-issuer.ts';
import { type Asserting, assertionOptions, bodyOf, IDP, REFUSED, startAsserting } from './asserting.ts';

const NEXT = issuerKey('ES256', 'key-2');
const UNAVAILABLE = {
  status: 503,
  error: 'temporarily_unavailable',
  error_description: 'nobody can be asked just now; try again',
};

const reasons = ({ refusals }: Asserting): unknown => refusals.map(({ fields }) => fields['reason']);

describe('keys that are rotated', () => {
  it('are fetched when the first assertion comes that is signed with a new one', async (context) => {
    const asserting = await startAsserting(context);
    assert.equal((await asserting.exchange()).status, 200);
    asserting.issuer.publish(NEXT);
    assert.equal((await asserting.exchange({ key: NEXT })).status, 200);
    assert.deepEqual(bodyOf(await asserting.exchange()), { status: 400, ...REFUSED });
    assert.deepEqual(reasons(asserting), ['unknown_key']);
  });

  it('are fetched also under a kid that stays', async (context) => {
    const asserting = await startAsserting(context);
    assert.equal((await asserting.exchange()).status, 200);
    const next = issuerKey('ES256', 'key-3', 'key-1');
    asserting.issuer.publish(next);
    assert.equal((await asserting.exchange({ key: next })).status, 200);
    assert.deepEqual(bodyOf(await asserting.exchange()), { status: 400, ...REFUSED });
    assert.deepEqual(reasons(asserting), ['invalid_signature']);
  });

  it('are fetched once for all who wait for them', async (context) => {
    const asserting = await startAsserting(context);
    assert.equal((await asserting.exchange()).status, 200);
    const before = asserting.issuer.fetches();
    asserting.issuer.publish(NEXT);
    const answers = await Promise.all(Array.from({ length: 5 }, () => asserting.exchange({ key: NEXT })));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    assert.equal(asserting.issuer.fetches() - before, 1);
  });

  it('are not fetched for assertions that would be refused anyway, and five times a minute at most', async (context) => {
    const asserting = await startAsserting(context);
    assert.equal((await asserting.exchange()).status, 200);
    const before = asserting.issuer.fetches();
    for (let time = 0; time < 3; time += 1) await asserting.exchange({ key: NEXT, claims: { aud: 'x' } });
    assert.equal(asserting.issuer.fetches(), before);
    for (let time = 0; time < 8; time += 1) await asserting.exchange({ key: NEXT });
    assert.equal(asserting.issuer.fetches() - before, 5);
  });

  it('are none that was published with its private half', async (context) => {
    const asserting = await startAsserting(context);
    const leaked = issuerKey('ES256', 'leaked');
    asserting.issuer.published = [asserting.issuer.key.jwk, { ...leaked.jwk, d: 'AAAA' }];
    assert.deepEqual(bodyOf(await asserting.exchange({ key: leaked })), { status: 400, ...REFUSED });
  });
});

describe('an issuer whose keys cannot be fetched', () => {
  const states: readonly JwksState[] = ['failing', 'oversized', 'redirecting', 'not json', 'broken off'];
  for (const state of states) {
    it(`is a 503 from the first assertion on, and the assertion is good afterwards: ${state}`, async (context) => {
      const asserting = await startAsserting(context, {}, state);
      const assertion = await asserting.assertion();
      const answer = await asserting.send(assertion);
      assert.deepEqual(bodyOf(answer), UNAVAILABLE);
      assert.equal(fieldOf(answer, 'retry-after'), '30');
      const failures = asserting.login.events.filter(({ event }) => event === 'login_failed');
      assert.deepEqual(
        failures.map(({ fields }) => [fields['reason'], fields['error']]),
        [['upstream_unavailable', `no keys of ${IDP} to verify an assertion with`]],
      );
      asserting.issuer.state = 'up';
      assert.equal((await asserting.send(assertion)).status, 200);
    });
  }

  it('leaves the keys that are known good, and is a 503 for others', async (context) => {
    const asserting = await startAsserting(context);
    assert.equal((await asserting.exchange()).status, 200);
    await asserting.issuer.stop();
    assert.equal((await asserting.exchange()).status, 200);
    assert.deepEqual(bodyOf(await asserting.exchange({ key: NEXT })), UNAVAILABLE);
  });
});

describe('AssertionKeys', () => {
  const silent = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {} };

  it('keeps the keys of an issuer that stays, and lets the others go', async (context) => {
    const clock = new FakeClock();
    const issuer = await startTestIssuer(context, clock, issuerKey('ES256', 'key-1'));
    const keys = new AssertionKeys({ clock, log: silent });
    context.after(() => keys.stop());
    const options = { ...loginOptions(), ...assertionOptions(issuer) };
    assert.equal(keys.find(IDP), undefined);
    keys.follow(options);
    const kept = keys.find(IDP);
    await kept?.refresh(false);
    assert.deepEqual(
      kept?.keys?.map(({ kid }) => kid),
      ['key-1'],
    );
    keys.follow({ ...options, identityAssertions: [...options.identityAssertions] });
    assert.equal(keys.find(IDP), kept);
    assert.equal(issuer.fetches(), 1);
    const stop = context.mock.method(JwksCache.prototype, 'stop');
    keys.follow({ ...options, identityAssertions: [] });
    assert.equal(keys.find(IDP), undefined);
    assert.deepEqual(
      stop.mock.calls.map((call) => call.this),
      [kept],
    );
  });

  it('finds the keys by the metadata of the issuer where no jwks_uri is written', async (context) => {
    const clock = new FakeClock();
    const issuer = await startTestIssuer(context, clock, issuerKey('ES256', 'key-1'));
    issuer.documents['/.well-known/openid-configuration'] = { issuer: issuer.url, jwks_uri: issuer.jwksUri };
    const keys = new AssertionKeys({ clock, log: silent });
    context.after(() => keys.stop());
    const identityAssertions = [{ issuer: issuer.url, jwksUri: undefined, clientIds: ['agent'] }];
    keys.follow({ ...loginOptions(), identityAssertions });
    await keys.find(issuer.url)?.refresh(false);
    assert.deepEqual(
      keys.find(issuer.url)?.keys?.map(({ kid }) => kid),
      ['key-1'],
    );
  });
});
