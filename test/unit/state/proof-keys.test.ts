/** Keys of proofs, imported once for each header. RFC 9449 §4.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDenied } from '../../../src/oauth/denial.ts';
import { ProofKeys } from '../../../src/state/proof-keys.ts';
import { createProver } from '../../support/dpop.ts';

const headerOf = (proof: string): string => proof.slice(0, proof.indexOf('.'));

describe('the keys of proofs', () => {
  it('are imported once for each text of a header', () => {
    const proofKeys = new ProofKeys(new Set(['ES256']));
    const prover = createProver();
    const first = proofKeys.import(headerOf(prover.prove()));
    assert.ok(!isDenied(first));
    assert.deepEqual({ alg: first.alg, jkt: first.jkt }, { alg: 'ES256', jkt: prover.jkt });
    assert.equal(proofKeys.import(headerOf(prover.prove())), first);
    assert.equal(proofKeys.entries, 1);
    const withKid = proofKeys.import(headerOf(prover.prove({ header: { kid: 'k' } })));
    assert.notEqual(withKid, first);
    assert.equal(proofKeys.entries, 2);
  });

  it('are not kept when the header is refused', () => {
    const proofKeys = new ProofKeys(new Set(['RS256']));
    for (const header of ['', '!', headerOf(createProver().prove())]) assert.ok(isDenied(proofKeys.import(header)));
    assert.equal(proofKeys.entries, 0);
  });
});
