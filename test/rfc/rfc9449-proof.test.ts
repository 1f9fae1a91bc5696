/** RFC 9449 §4.3: checking DPoP proofs, one test or more for each of the twelve steps. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { isJsonObject } from '../../src/lib/json-text.ts';
import { type Denial, type Evidence, isDenied } from '../../src/oauth/denial.ts';
import { checkDpopProof, type DpopProof, type ExpectedProof, hashAccessToken } from '../../src/oauth/dpop-proof.ts';
import { JWS_ALGORITHMS, type JwsAlgorithm } from '../../src/oauth/jwa.ts';
import { memberThumbprint } from '../../src/oauth/jwk-thumbprint.ts';
import { ProofKeys } from '../../src/state/proof-keys.ts';
import {
  ACCESS_TOKEN,
  createProver,
  goodClaims,
  PROOF_NOW_MS,
  PROVEN_REQUEST,
  type ProofChange,
} from '../support/dpop.ts';
import { encodePart } from '../support/jws.ts';

const ALGORITHMS: ReadonlySet<JwsAlgorithm> = new Set(['RS256', 'ES256']);
const prover = createProver();
const LIFETIME_MS = 60_000;
const SKEW_MS = 10_000;
const EXPECTED: ExpectedProof = {
  ...PROVEN_REQUEST,
  ath: hashAccessToken(ACCESS_TOKEN),
  jkt: prover.jkt,
  proofLifetimeMs: LIFETIME_MS,
  clockSkewMs: SKEW_MS,
};

interface Circumstances {
  readonly expected?: Partial<ExpectedProof>;
  readonly nowMs?: number;
  readonly algorithms?: ReadonlySet<JwsAlgorithm>;
}

function check(dpop: string | readonly string[], circumstances: Circumstances = {}): DpopProof | Denial {
  const { expected, nowMs = PROOF_NOW_MS, algorithms = ALGORITHMS } = circumstances;
  const proofKeys = new ProofKeys(algorithms);
  const fields = typeof dpop === 'string' ? [dpop] : dpop;
  return checkDpopProof(fields, { expected: { ...EXPECTED, ...expected }, nowMs }, (part, jkt) =>
    proofKeys.import(part, jkt),
  );
}

/** Asserts the whole refusal. */
function assertInvalid(outcome: DpopProof | Denial, evidence: Evidence): void {
  assert.deepEqual(outcome, { denied: true, reason: 'invalid_dpop', evidence, fields: [] });
}

function assertChangeIsInvalid(change: ProofChange, evidence: Evidence, circumstances?: Circumstances): void {
  assertInvalid(check(prover.prove(change), circumstances), evidence);
}

/** A proof that brings this key, signed by another, beside a token that is bound to it. */
function checkBoundTo(jwk: unknown, alg: 'ES256' | 'RS256' = 'ES256'): DpopProof | Denial {
  const jkt = isJsonObject(jwk) ? memberThumbprint(jwk) : undefined;
  const proof = createProver(alg).prove({ header: { jwk } });
  return check(proof, jkt === undefined ? {} : { expected: { jkt } });
}

describe('RFC 9449 §4.3: "the receiving server MUST ensure the following"', () => {
  it('accepts a proof that passes every step', () => {
    assert.deepEqual(check(prover.prove({ claims: { jti: 'e1j3V_bKic8-LAEB', nonce: 'n', other: [1] } })), {
      jkt: prover.jkt,
      jti: 'e1j3V_bKic8-LAEB',
      nonce: 'n',
      expiresAtMs: PROOF_NOW_MS + LIFETIME_MS + SKEW_MS,
    });
  });

  it('accepts the proof of §7.1, Figure 13', () => {
    const proof =
      'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA';
    const outcome = check(proof, {
      nowMs: 1_562_262_618_000,
      expected: {
        method: 'GET',
        targetUri: 'https://resource.example.org/protectedresource',
        ath: hashAccessToken('Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'),
        jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
      },
    });
    assert.deepEqual(outcome, {
      jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
      jti: 'e1j3V_bKic8-LAEB',
      nonce: undefined,
      expiresAtMs: 1_562_262_618_000 + LIFETIME_MS + SKEW_MS,
    });
  });
});

describe('§4.3 step 1: "There is not more than one DPoP HTTP request header field"', () => {
  it('refuses two fields, even with one good proof twice', () => {
    const proof = prover.prove();
    assertInvalid(check([proof, proof]), { detail: '§4.3 step 1 one DPoP field', expected: '1', actual: '2' });
    assertInvalid(check([]), { detail: '§4.3 step 1 one DPoP field', expected: '1', actual: '0' });
  });
});

describe('§4.3 step 2: "The DPoP HTTP request header field value is a single and well-formed JWT"', () => {
  const detail = '§4.3 step 2 a well-formed JWT';
  const good = prover.prove();
  const [header = '', payload = '', signature = ''] = good.split('.');

  for (const [name, proof, actual] of [
    ['two proofs in one field', `${good}, ${prover.prove()}`, 'not three parts'],
    ['nothing', '', 'not three parts'],
    ['two parts', `${header}.${payload}`, 'not three parts'],
    ['four parts', `${good}.`, 'not three parts'],
    ['more than 16 KiB', `${good}${'A'.repeat(16 * 1024)}`, 'longer than 16 KiB'],
    ['padding in the header', `${header}=.${payload}.${signature}`, 'not canonical base64url'],
    ['a space in the payload', `${header}.${payload} .${signature}`, 'not canonical base64url'],
    ['a line break in the signature', `${header}.${payload}.${signature}\n`, 'not canonical base64url'],
    [
      'a header that is no object',
      `${encodePart('[]')}.${payload}.${signature}`,
      'the header is not a strict JSON object',
    ],
    [
      'a payload that is no object',
      `${header}.${encodePart('"x"')}.${signature}`,
      'the payload is not a strict JSON object',
    ],
  ] as const) {
    it(`refuses ${name}`, () => assertInvalid(check(proof), { detail, actual }));
  }

  it('refuses a member written twice, which two parsers could read differently', () => {
    const twice = JSON.stringify(goodClaims()).replace('{', '{"htm":"DELETE",');
    assertChangeIsInvalid({ rawPayload: twice }, { detail, actual: 'the payload is not a strict JSON object' });
    const jwk = JSON.stringify(prover.jwk);
    const rawHeader = `{"typ":"dpop+jwt","alg":"ES256","jwk":${jwk},"jwk":${jwk}}`;
    assertChangeIsInvalid({ rawHeader }, { detail, actual: 'the header is not a strict JSON object' });
  });

  it('refuses crit and b64 (RFC 7515 §4.1.11, RFC 7797 §6)', () => {
    assertChangeIsInvalid({ header: { crit: ['exp'] } }, { detail, actual: 'crit in the header' });
    assertChangeIsInvalid({ header: { b64: false } }, { detail, actual: 'b64 in the header' });
  });
});

describe('§4.3 step 3: "All required claims per Section 4.2 are contained in the JWT"', () => {
  for (const name of ['jti', 'htm', 'htu', 'iat', 'ath']) {
    it(`refuses a proof without ${name}`, () => {
      const evidence = { detail: '§4.3 step 3 all required claims', expected: name, actual: 'none' };
      assertChangeIsInvalid({ claims: { [name]: undefined } }, evidence);
    });
  }

  it('refuses a header without typ, alg or jwk', () => {
    const undefinedWord = 'undefined';
    assertChangeIsInvalid(
      { header: { typ: undefined } },
      { detail: '§4.3 step 4 typ', expected: 'dpop+jwt', actual: undefinedWord },
    );
    assertChangeIsInvalid(
      { header: { alg: undefined } },
      { detail: '§4.3 step 5 alg', expected: 'RS256 ES256', actual: undefinedWord },
    );
    assertChangeIsInvalid(
      { header: { jwk: undefined } },
      { detail: '§4.3 step 3 all required claims', expected: 'jwk', actual: 'none' },
    );
  });

  it('§11.1: "should reject DPoP proof JWTs with unnecessarily large jti values": more than 256 bytes', () => {
    const detail = '§4.3 step 3 jti';
    const expected = '1 to 256 bytes';
    for (const jti of ['a', 'a'.repeat(256), 'ü'.repeat(128), '\0', '"\\']) {
      assert.ok(!isDenied(check(prover.prove({ claims: { jti } }))), jti);
    }
    assertChangeIsInvalid({ claims: { jti: '' } }, { detail, expected, actual: '0 characters' });
    assertChangeIsInvalid({ claims: { jti: 'a'.repeat(257) } }, { detail, expected, actual: '257 characters' });
    assertChangeIsInvalid({ claims: { jti: 'ü'.repeat(129) } }, { detail, expected, actual: '129 characters' });
    assertChangeIsInvalid({ claims: { jti: '\ud800' } }, { detail, expected, actual: '1 characters' });
    assertChangeIsInvalid({ claims: { jti: 7 } }, { detail, expected, actual: 'number' });
    assertChangeIsInvalid({ claims: { jti: ['a'] } }, { detail, expected, actual: 'object' });
  });

  it('refuses an iat that is no NumericDate (RFC 7519 §2)', () => {
    const detail = '§4.3 step 3 iat, exp and nbf';
    const expected = 'NumericDates';
    for (const [iat, actual] of [
      ['1790000000', '1790000000'],
      [null, 'object'],
      [true, 'boolean'],
      [1e300, '1e+300'],
    ]) {
      assertChangeIsInvalid({ claims: { iat } }, { detail, expected, actual: String(actual) });
    }
    assertChangeIsInvalid({ claims: { exp: 'soon' } }, { detail, expected, actual: '1790000000' });
    assertChangeIsInvalid({ claims: { nbf: null } }, { detail, expected, actual: '1790000000' });
  });

  it('refuses a nonce that is no string of a sane length', () => {
    const evidence = { detail: '§4.3 step 3 nonce', expected: 'a string of at most 256 characters' };
    assertChangeIsInvalid({ claims: { nonce: 1 } }, { ...evidence, actual: 'number' });
    assertChangeIsInvalid({ claims: { nonce: 'n'.repeat(257) } }, { ...evidence, actual: 'string' });
  });
});

describe('§4.3 step 4, §11.5: "The typ JOSE Header Parameter has the value dpop+jwt"', () => {
  for (const typ of ['JWT', 'at+jwt', 'DPOP+JWT', 'application/dpop+jwt', '', 1]) {
    it(`refuses ${JSON.stringify(typ)}`, () => {
      const evidence = { detail: '§4.3 step 4 typ', expected: 'dpop+jwt', actual: String(typ) };
      assertChangeIsInvalid({ header: { typ } }, evidence);
    });
  }
});

describe('§4.3 step 5, §11.6: "only asymmetric digital signature algorithms [...] that are deemed secure"', () => {
  for (const alg of ['none', 'HS256', 'es256', 'ES256K', 'ES384', 'RS1', 'EdDSA', 'Ed25519', 'constructor', '']) {
    it(`refuses ${JSON.stringify(alg)} where RS256 and ES256 are accepted`, () => {
      const evidence = { detail: '§4.3 step 5 alg', expected: 'RS256 ES256', actual: alg };
      assertChangeIsInvalid({ header: { alg } }, evidence);
    });
  }

  for (const alg of JWS_ALGORITHMS) {
    it(`accepts ${alg} where it is accepted, and not where it is not`, () => {
      const own = createProver(alg);
      const expected = { jkt: own.jkt };
      assert.ok(!isDenied(check(own.prove(), { expected, algorithms: new Set([alg]) })));
      const others = new Set(JWS_ALGORITHMS.filter((other) => other !== alg));
      const evidence = { detail: '§4.3 step 5 alg', expected: [...others].join(' '), actual: alg };
      assertInvalid(check(own.prove(), { expected, algorithms: others }), evidence);
    });
  }

  it('refuses an algorithm of another kind than the key (RFC 8725 §3.2)', () => {
    const evidence = { detail: '§4.3 step 5 alg fits jwk', expected: 'ES256', actual: 'RS256' };
    assertChangeIsInvalid({ header: { alg: 'RS256' } }, evidence);
    const p384 = createProver('ES384').jwk;
    assertInvalid(checkBoundTo(p384), { ...evidence, expected: 'ES384', actual: 'ES256' });
  });

  it('refuses keys that cost the verifier more than a client should decide', () => {
    const detail = '§4.3 step 5 alg fits jwk';
    const expected = 'at most RSA 4096 with a 32-bit exponent';
    const modulus = Buffer.alloc(513, 0xff).toString('base64url');
    const large = { kty: 'RSA', e: 'AQAB', n: modulus };
    assertInvalid(checkBoundTo(large, 'RS256'), { detail, expected, actual: 'RSA 4104' });
    const { jwk } = createProver('RS256');
    const slow = { ...jwk, e: Buffer.from('0100000001', 'hex').toString('base64url') };
    assertInvalid(checkBoundTo(slow, 'RS256'), { detail, expected, actual: 'RSA 2048' });
  });

  it('makes no key of a modulus that is far too long', () => {
    const modulus = Buffer.alloc(2048, 0xff).toString('base64url');
    const evidence = {
      detail: '§4.3 step 5 alg fits jwk',
      expected: 'at most RSA 4096 with a 32-bit exponent',
      actual: 'a modulus of 2731 characters',
    };
    assertInvalid(checkBoundTo({ kty: 'RSA', e: 'AQAB', n: modulus }, 'RS256'), evidence);
  });
});

describe('§4.3 step 6: "The JWT signature verifies with the public key contained in the jwk JOSE Header Parameter"', () => {
  const detail = '§4.3 step 6 the signature verifies with jwk';

  it('refuses a signature by another key', () => {
    assertInvalid(checkBoundTo(createProver().jwk), { detail });
  });

  it('refuses a changed payload, a missing signature, and zeros (CVE-2022-21449)', () => {
    const [header, payload, signature] = prover.prove().split('.');
    const changed = encodePart({ ...goodClaims(), htm: 'DELETE' });
    assertInvalid(check([header, changed, signature].join('.')), { detail });
    assertInvalid(check([header, payload, ''].join('.')), { detail });
    assertInvalid(check([header, payload, encodePart(Buffer.alloc(64))].join('.')), { detail });
  });

  it('refuses the DER form of an ECDSA signature (RFC 7518 §3.4)', () => {
    const [header, payload] = prover.prove().split('.');
    assertInvalid(check([header, payload, encodePart(Buffer.from('3006020101020101', 'hex'))].join('.')), { detail });
  });
});

describe('§4.3 step 7: "The jwk JOSE Header Parameter does not contain a private key"', () => {
  const detail = '§4.3 step 7 jwk is a public key';

  it('refuses private members, of whatever key type, and symmetric keys', () => {
    const privateJwk = prover.privateKey.export({ format: 'jwk' });
    assertChangeIsInvalid({ header: { jwk: privateJwk } }, { detail, actual: 'a private key has been published' });
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
      const jwk = { ...prover.jwk, [member]: '' };
      assertChangeIsInvalid({ header: { jwk } }, { detail, actual: 'a private key has been published' });
    }
    assertChangeIsInvalid({ header: { jwk: { kty: 'oct', k: 'AAAA' } } }, { detail, actual: 'a symmetric key' });
  });

  it('refuses what is no key, or one whose members speak against it', () => {
    const noKey = 'not a public RSA, EC or Ed25519 key';
    for (const [jwk, actual] of [
      ['key', 'not an object'],
      [[prover.jwk], 'not an object'],
      [{}, noKey],
      [{ ...prover.jwk, y: prover.jwk['x'] }, noKey],
      [{ ...prover.jwk, crv: 'P-999' }, noKey],
      [{ ...prover.jwk, use: 'enc' }, 'use is not sig'],
      [{ ...prover.jwk, key_ops: ['sign'] }, 'key_ops lacks verify'],
      [{ ...prover.jwk, alg: 'ES384' }, 'no algorithm that fits the key'],
      [
        createProver('RS256', generateKeyPairSync('rsa', { modulusLength: 1024 })).jwk,
        'an RSA modulus below 2048 bits',
      ],
    ] as const) {
      assertInvalid(checkBoundTo(jwk), { detail, actual });
    }
  });
});

describe('§4.3 step 12: "the public key to which the access token is bound matches the public key from the DPoP proof"', () => {
  it('is said of a foreign key before the key is made, whatever else is wrong with it', () => {
    const foreign = [createProver().jwk, { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(512, 0xff).toString('base64url') }];
    for (const jwk of foreign) {
      const evidence = { detail: '§4.3 step 12 cnf.jkt', expected: prover.jkt, actual: memberThumbprint(jwk) ?? '' };
      assertChangeIsInvalid({ header: { jwk } }, evidence);
    }
  });
});

describe('§4.3 step 8: "The htm claim matches the HTTP method of the current request"', () => {
  for (const htm of ['GET', 'post', 'POST ', '', 1]) {
    it(`refuses ${JSON.stringify(htm)} for POST`, () => {
      assertChangeIsInvalid({ claims: { htm } }, { detail: '§4.3 step 8 htm', expected: 'POST', actual: String(htm) });
    });
  }
});

describe('§4.3 step 9: "The htu claim matches the HTTP URI value for the HTTP request"', () => {
  it('accepts another spelling of the same URI, and a query', () => {
    assert.ok(!isDenied(check(prover.prove({ claims: { htu: 'https://MY-TOOL.example.com:443/./%6dcp?x#y' } }))));
  });

  for (const htu of ['https://my-tool.example.com/mcp/', 'http://my-tool.example.com/mcp', '/mcp', 7]) {
    it(`refuses ${JSON.stringify(htu)}`, () => {
      const evidence = { detail: '§4.3 step 9 htu', expected: PROVEN_REQUEST.targetUri, actual: String(htu) };
      assertChangeIsInvalid({ claims: { htu } }, evidence);
    });
  }

  it('keeps what may be secret in a wrong one out of the log', () => {
    for (const htu of [
      'https://other.example/mcp?api_key=k#f',
      'https://u:p@other.example/mcp',
      'https://u:p@w@other.example/mcp',
    ]) {
      const actual = 'https://other.example/mcp';
      const evidence = { detail: '§4.3 step 9 htu', expected: PROVEN_REQUEST.targetUri, actual };
      assertChangeIsInvalid({ claims: { htu } }, evidence);
    }
  });
});

describe('§4.3 step 11, §11.1: "servers MUST only accept DPoP proofs for a limited time after their creation"', () => {
  const iat = PROOF_NOW_MS / 1000;
  const time = (ms: number): string => new Date(ms).toISOString();

  it('accepts iat from now - (lifetime + skew) to now + skew, both included', () => {
    for (const nowMs of [PROOF_NOW_MS - SKEW_MS, PROOF_NOW_MS, PROOF_NOW_MS + LIFETIME_MS + SKEW_MS]) {
      assert.ok(!isDenied(check(prover.prove(), { nowMs })), String(nowMs - PROOF_NOW_MS));
    }
    assert.ok(!isDenied(check(prover.prove({ claims: { iat: iat - 69.5 } }))));
  });

  it('refuses one a millisecond outside', () => {
    const detail = '§4.3 step 11 iat';
    const early = PROOF_NOW_MS - SKEW_MS - 1;
    const late = PROOF_NOW_MS + LIFETIME_MS + SKEW_MS + 1;
    for (const nowMs of [early, late]) {
      const expected = `${time(nowMs - LIFETIME_MS - SKEW_MS)} to ${time(nowMs + SKEW_MS)}`;
      assertChangeIsInvalid({}, { detail, expected, actual: time(PROOF_NOW_MS) }, { nowMs });
    }
  });

  it('heeds exp and nbf where a client writes them (RFC 7519 §4.1.4, §4.1.5)', () => {
    assert.ok(!isDenied(check(prover.prove({ claims: { exp: iat - 9, nbf: iat + 10 } }))));
    const exp = { detail: '§4.3 step 11 exp', expected: `after ${time(PROOF_NOW_MS - SKEW_MS)}` };
    assertChangeIsInvalid({ claims: { exp: iat - 10 } }, { ...exp, actual: time(PROOF_NOW_MS - 10_000) });
    const nbf = { detail: '§4.3 step 11 nbf', expected: `at most ${time(PROOF_NOW_MS + SKEW_MS)}` };
    assertChangeIsInvalid({ claims: { nbf: iat + 11 } }, { ...nbf, actual: time(PROOF_NOW_MS + 11_000) });
  });
});

describe('§4.3 step 12, §6, §7: the proof is for this access token, which is bound to its key', () => {
  it('§7: "verify that it is the same as the hash value in the ath field"', () => {
    const ath = hashAccessToken('another.access.token');
    assertChangeIsInvalid({ claims: { ath } }, { detail: '§4.3 step 12 ath', expected: EXPECTED.ath, actual: ath });
    const padded = `${EXPECTED.ath}=`;
    assertChangeIsInvalid(
      { claims: { ath: padded } },
      { detail: '§4.3 step 12 ath', expected: EXPECTED.ath, actual: padded },
    );
    assertChangeIsInvalid({ claims: { ath: 1 } }, { detail: '§4.3 step 12 ath', expected: EXPECTED.ath, actual: '1' });
  });

  it('§6: "MUST ensure that the public key from the DPoP proof matches the one bound to the access token"', () => {
    const thief = createProver();
    const evidence = { detail: '§4.3 step 12 cnf.jkt', expected: prover.jkt, actual: thief.jkt };
    assertInvalid(check(thief.prove()), evidence);
  });
});
