/** One changed character never makes another token. RFC 7515 §5.2, RFC 8725 §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkAccessToken } from '../../src/oauth/access-token.ts';
import { type Denial, deny } from '../../src/oauth/denial.ts';
import { isJwsAlgorithm, verifySignature } from '../../src/oauth/jwa.ts';
import { parseJwkSet, selectKeys } from '../../src/oauth/jwks.ts';
import { parseJws } from '../../src/oauth/jws.ts';
import type { AccessToken } from '../../src/oauth/principal.ts';
import { createSigner } from '../support/jws.ts';

// The same run every time; take the line out to look further.
fc.configureGlobal({ seed: 20_261_123 });

const NOW_MS = 1.79e12;
const EXPECTED = { issuer: 'https://issuer.example', audiences: ['api'], resourceUri: undefined, clockSkewMs: 0 };
const CLAIMS = { iss: EXPECTED.issuer, aud: 'api', exp: NOW_MS / 1000 + 60, sub: 'alice', scope: 'read' };

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES512', 'EdDSA'] as const;
const signers = await Promise.all(ALGORITHMS.map(createSigner));
const tokens = await Promise.all(signers.map((signer) => signer.sign(CLAIMS, { kid: 'k', typ: 'at+jwt' })));
const keys = parseJwkSet({ keys: signers.map(({ jwk }) => ({ ...jwk, kid: 'k' })) })?.keys ?? [];

/** The whole path of a token, with every algorithm accepted and all keys under one kid. */
function judge(compact: string): AccessToken | Denial {
  const jws = parseJws(compact);
  if ('denied' in jws) return jws;
  const { alg, kid } = jws.header;
  if (!isJwsAlgorithm(alg)) return deny('unsupported_algorithm');
  const verified = selectKeys(keys, alg, kid).some(({ key }) => verifySignature(alg, key, jws));
  return verified ? checkAccessToken(jws.payload, EXPECTED, NOW_MS) : deny('invalid_signature');
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.split('');
const anyChar = fc.oneof(
  fc.constantFrom(...BASE64URL, '.', '=', '+', '/', ' ', '\n'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);

describe('RFC 7515 §5.2: a token is accepted as it was signed or not at all', () => {
  for (const [index, alg] of ALGORITHMS.entries()) {
    const token = tokens[index] ?? '';
    it(`${alg}: accepts the token itself`, () => {
      const outcome = judge(token);
      assert.ok(!('denied' in outcome));
      assert.equal(outcome.subject, 'alice');
    });

    it(`${alg}: refuses any one character replaced, inserted or deleted`, () => {
      const position = fc.nat({ max: token.length - 1 });
      fc.assert(
        fc.property(position, anyChar, fc.constantFrom('replace', 'insert', 'delete'), (at, char, change) => {
          const rest = token.slice(change === 'insert' ? at : at + 1);
          const mutated = token.slice(0, at) + (change === 'delete' ? '' : char) + rest;
          fc.pre(mutated !== token);
          assert.ok('denied' in judge(mutated), mutated);
        }),
        { numRuns: 600 },
      );
    });

    it(`${alg}: refuses every other last character of every part`, () => {
      const parts = token.split('.');
      for (const [part, text] of parts.entries()) {
        for (const last of BASE64URL) {
          const mutated = parts.with(part, text.slice(0, -1) + last).join('.');
          assert.equal('denied' in judge(mutated), mutated !== token);
        }
      }
    });
  }

  it('refuses parts of different tokens put together', () => {
    for (const [a, first] of tokens.entries()) {
      for (const [b, second] of tokens.entries()) {
        if (a === b) continue;
        const [header, payload] = first.split('.');
        assert.ok('denied' in judge([header, payload, second.split('.')[2]].join('.')));
        assert.ok('denied' in judge([second.split('.')[0], payload, first.split('.')[2]].join('.')));
      }
    }
  });
});
