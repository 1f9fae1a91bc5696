/** ID tokens are for the client that logged somebody in. OpenID Connect Core §2, §3.1.3.6, §3.3.2.11; RFC 9068 §2.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deny } from '../../src/oauth/denial.ts';
import { refuseIdToken } from '../../src/oauth/id-token.ts';

describe('OpenID Connect Core §2: what only an ID token holds', () => {
  for (const claim of ['nonce', 'at_hash', 'c_hash']) {
    for (const typ of [undefined, 'JWT', 'jwt']) {
      it(`refuses ${claim} under typ ${typ}`, () =>
        assert.deepEqual(
          refuseIdToken(typ, { sub: 'alice', [claim]: 'x' }),
          deny('id_token', { expected: 'an access token', actual: `an ID token, as it holds ${claim}` }),
        ));
    }
    it(`refuses ${claim} that is empty: a client may have chosen it so`, () =>
      assert.equal(refuseIdToken('JWT', { [claim]: '' })?.reason, 'id_token'));
    for (const typ of ['at+jwt', 'AT+JWT', 'application/at+jwt']) {
      it(`RFC 9068 §2.1: ${typ} is an access token, whatever it holds (${claim})`, () =>
        assert.equal(refuseIdToken(typ, { [claim]: 'x' }), undefined));
    }
    for (const value of [undefined, null, 7, true]) {
      it(`passes over ${claim} ${value}, which is none`, () =>
        assert.equal(refuseIdToken('JWT', { [claim]: value }), undefined));
    }
  }

  it("tells Cognito's by token_use, Keycloak's by the claim typ", () => {
    for (const [claim, value] of [
      ['token_use', 'id'],
      ['typ', 'ID'],
    ] as const) {
      assert.deepEqual(
        refuseIdToken(undefined, { [claim]: value }),
        deny('id_token', { expected: 'an access token', actual: `an ID token, as its ${claim} is ${value}` }),
      );
    }
    for (const claims of [{ token_use: 'access' }, { typ: 'Bearer' }, { typ: 'DPoP' }, { token_use: ['id'] }]) {
      assert.equal(refuseIdToken('JWT', claims), undefined, JSON.stringify(claims));
    }
  });

  it('says whose it is where that can be read, for the count of refusals', () => {
    const iss = 'https://issuer.example';
    const claims = { iss, nonce: 'x' };
    const tokenOf = (payload: Readonly<Record<string, unknown>>) => refuseIdToken('JWT', payload)?.evidence.token;
    assert.deepEqual(tokenOf({ ...claims, sub: 'alice', azp: 'app' }), {
      issuer: iss,
      subject: 'alice',
      client: 'app',
    });
    assert.deepEqual(tokenOf(claims), { issuer: iss, subject: undefined, client: undefined });
    assert.equal(tokenOf({ ...claims, sub: 7 }), undefined);
  });

  it('leaves access tokens alone that say when and how their user logged in', () => {
    const claims = { auth_time: 1, acr: '1', amr: ['pwd'], azp: 'app', sid: 'x', email: 'a@b.example' };
    assert.equal(refuseIdToken('JWT', claims), undefined);
  });
});
