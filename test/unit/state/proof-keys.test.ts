/** Keys of proofs, imported once for each header, and only those that a token is bound to. RFC 9449 §4.2, §4.3 step 12. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { isDenied } from '../../../src/oauth/denial.ts';
import { memberThumbprint } from '../../../src/oauth/jwk-thumbprint.ts';
import { ProofKeys } from '../../../src/state/proof-keys.ts';
import { createProver } from '../../support/dpop.ts';
import { encodePart } from '../../support/jws.ts';

const MEBIBYTE = 1024 * 1024;

const headerOf = (proof: string): string => proof.slice(0, proof.indexOf('.'));

/** A key of 4096 bits that nobody has the other half of: a modulus costs its maker nothing. */
function madeUpKey(): { readonly header: string; readonly jkt: string } {
  const n = randomBytes(512);
  n[0] = 0xff;
  n[511] = 0x01;
  const jwk = { kty: 'RSA', e: 'AQAB', n: n.toString('base64url') };
  return { header: encodePart({ typ: 'dpop+jwt', alg: 'RS256', jwk }), jkt: memberThumbprint(jwk) ?? '' };
}

describe('the keys of proofs', () => {
  it('are imported once for each text of a header', () => {
    const proofKeys = new ProofKeys(new Set(['ES256']));
    const prover = createProver();
    const first = proofKeys.import(headerOf(prover.prove()), prover.jkt);
    assert.ok(!isDenied(first));
    assert.deepEqual({ alg: first.alg, jkt: first.jkt }, { alg: 'ES256', jkt: prover.jkt });
    assert.equal(proofKeys.import(headerOf(prover.prove()), prover.jkt), first);
    assert.equal(proofKeys.entries, 1);
    const withKid = proofKeys.import(headerOf(prover.prove({ header: { kid: 'k' } })), prover.jkt);
    assert.notEqual(withKid, first);
    assert.equal(proofKeys.entries, 2);
  });

  it('are not kept when the header is refused', () => {
    const proofKeys = new ProofKeys(new Set(['RS256']));
    const { jkt, prove } = createProver();
    for (const header of ['', '!', headerOf(prove())]) assert.ok(isDenied(proofKeys.import(header, jkt)));
    assert.equal(proofKeys.entries, 0);
  });

  it('are not made, let alone kept, when the token is bound to another: made-up keys take no memory', () => {
    const proofKeys = new ProofKeys(new Set(['RS256', 'ES256']));
    const prover = createProver();
    for (let made = 0; made < 1_000; made += 1) {
      assert.ok(isDenied(proofKeys.import(madeUpKey().header, prover.jkt)));
    }
    assert.deepEqual([proofKeys.entries, proofKeys.bytes], [0, 0]);
  });

  it('are refused beside the token of another, when they are known already', () => {
    const proofKeys = new ProofKeys(new Set(['ES256']));
    const [owner, other] = [createProver(), createProver()];
    const header = headerOf(owner.prove());
    assert.ok(!isDenied(proofKeys.import(header, owner.jkt)));
    assert.deepEqual(proofKeys.import(header, other.jkt), {
      denied: true,
      reason: 'invalid_dpop',
      evidence: { detail: '§4.3 step 12 cnf.jkt', expected: other.jkt, actual: owner.jkt },
      fields: [],
    });
  });

  it('are counted as large as they are, and bounded together', () => {
    const proofKeys = new ProofKeys(new Set(['RS256']));
    const { header, jkt } = madeUpKey();
    assert.ok(!isDenied(proofKeys.import(header, jkt)));
    assert.ok(proofKeys.bytes >= 7_100 + header.length, `${proofKeys.bytes} bytes for RSA 4096`);
    for (let made = 0; made < 10_000; made += 1) {
      const next = madeUpKey();
      assert.ok(!isDenied(proofKeys.import(next.header, next.jkt)));
    }
    assert.ok(proofKeys.bytes <= 64 * MEBIBYTE);
    assert.ok(proofKeys.entries < 10_000);
  });
});
