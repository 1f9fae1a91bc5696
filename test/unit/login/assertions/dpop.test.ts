/** Assertions and tokens that are bound to a key. draft-ietf-oauth-identity-assertion-authz-grant-03 §8.6.1.2, RFC 9449. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { generateKeyPair, generateProof, type KeyPair } from 'dpop';
import { claimsIn, textIn } from '../../../support/login-client.ts';
import { ISSUER, RESOURCE } from '../../../support/login-server.ts';
import { AGENT, BOTH, basic, bodyOf, REFUSED, startAsserting, tokenResponse, validate } from './asserting.ts';

describe('draft ID-JAG §8.6: DPoP', () => {
  const dpopAlgorithms = ['ES256'];
  const prove = async (pair: KeyPair): Promise<readonly string[]> => [
    'authorization',
    basic(AGENT),
    'dpop',
    await generateProof(pair, `${ISSUER}/oauth/token`, 'POST'),
  ];

  it('binds the token to the key of the proof', async (context) => {
    const asserting = await startAsserting(context, { dpopAlgorithms });
    const pair = await generateKeyPair('ES256');
    const answer = await asserting.exchange({}, { fields: await prove(pair) });
    assert.deepEqual(tokenResponse(answer), { ...BOTH, token_type: 'DPoP' });
    const token = textIn(answer, 'access_token');
    const proof = await generateProof(pair, RESOURCE, 'POST', undefined, token);
    const claims = Object(await validate(asserting.login, 'DPoP', token, proof));
    assert.match(claims.cnf.jkt, /^[\w-]{43}$/);
  });

  it('takes an assertion that is bound to that key, and no other', async (context) => {
    const asserting = await startAsserting(context, { dpopAlgorithms });
    const pair = await generateKeyPair('ES256');
    const first = await asserting.exchange({}, { fields: await prove(pair) });
    const { cnf } = claimsIn(textIn(first, 'access_token'));
    const bound = await asserting.exchange({ claims: { cnf } }, { fields: await prove(pair) });
    assert.deepEqual(tokenResponse(bound), { ...BOTH, token_type: 'DPoP' });
    const foreign = await asserting.exchange(
      { claims: { cnf } },
      { fields: await prove(await generateKeyPair('ES256')) },
    );
    assert.deepEqual(bodyOf(foreign), { status: 400, ...REFUSED });
    assert.equal(asserting.refusals[0]?.fields['reason'], 'proof_mismatch');
  });

  for (const [name, options] of [
    ['no proof', { dpopAlgorithms }],
    ['no proof that counts, because dpop is off', {}],
  ] as const) {
    it(`refuses a bound assertion with ${name}`, async (context) => {
      const asserting = await startAsserting(context, options);
      const fields = 'dpopAlgorithms' in options ? undefined : await prove(await generateKeyPair('ES256'));
      const cnf = { jkt: 'a'.repeat(43) };
      const answer = await asserting.exchange({ claims: { cnf } }, fields && { fields });
      const description = 'the assertion needs a DPoP proof of the key that it is bound to';
      assert.deepEqual(bodyOf(answer), { status: 400, error: 'invalid_grant', error_description: description });
    });
  }

  it('refuses a proof that was used before, and leaves the assertion good', async (context) => {
    const asserting = await startAsserting(context, { dpopAlgorithms });
    const fields = await prove(await generateKeyPair('ES256'));
    assert.equal((await asserting.exchange({}, { fields })).status, 200);
    const assertion = await asserting.assertion();
    assert.equal((await asserting.send(assertion, { fields })).status, 400);
    assert.equal((await asserting.send(assertion)).status, 200);
  });

  it('refuses a proof for another URL', async (context) => {
    const asserting = await startAsserting(context, { dpopAlgorithms });
    const proof = await generateProof(await generateKeyPair('ES256'), `${ISSUER}/oauth/revoke`, 'POST');
    const answer = await asserting.exchange({}, { fields: ['authorization', basic(AGENT), 'dpop', proof] });
    assert.deepEqual([answer.status, bodyOf(answer)['error']], [400, 'invalid_dpop_proof']);
  });
});
