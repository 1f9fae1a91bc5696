/** Requests that come in one turn of the event loop, whose tokens are verified at its end. RFC 6750 §2.1, RFC 6585 §4. */
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Charges, createBearerAuthentication } from '../../../src/gate/authenticate.ts';
import { createDpopAuthentication } from '../../../src/gate/authenticate-dpop.ts';
import { createTokenCheck } from '../../../src/gate/token-check.ts';
import { deny, isDenied } from '../../../src/oauth/denial.ts';
import { VerifiedTokens } from '../../../src/state/verified-tokens.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { issuerKey } from '../../support/test-issuer.ts';

const REQUESTS = 10;
const NO_CERTIFICATE = { absence: 'none' };
const SENDER = { clientCertificate: NO_CERTIFICATE, connectionCertificate: NO_CERTIFICATE };
const KEY = {
  kid: 'key-1',
  algorithms: new Set(['ES256'] as const),
  key: createPublicKey(issuerKey('ES256', 'key-1').privateKey),
};

/** Phases 2 and 3, with an allowance of one request for each address, which all requests share. */
function createGate({ jkt }: { readonly jkt?: string } = {}) {
  const clock = new FakeClock();
  const seen = { verified: 0, hit: 0, miss: 0 };
  let charged = 0;
  const charges: Charges = {
    chargeClient: () => {
      charged += 1;
      return charged > 1 ? deny('rate_limited') : undefined;
    },
    refundClient: () => {
      charged -= 1;
    },
    lookPrincipal: () => undefined,
    chargePrincipal: () => undefined,
  };
  const tokens = createTokenCheck({
    clock,
    verifiedTokens: new VerifiedTokens({ maxEntries: 100, maxBytes: 1_000_000 }),
    verifyAccessToken: (compact) => {
      seen.verified += 1;
      const expiresAtMs = clock.nowMs() + 60_000;
      const claims = { issuer: 'https://a.example', subject: compact, client: undefined, scopes: new Set<string>() };
      const accessToken = { ...claims, scopeClaim: undefined, expiresAtMs, jkt, x5tS256: undefined };
      return { key: KEY, issuer: claims.issuer, claims: {}, accessToken };
    },
    identify: () => ({ fields: [], assertion: undefined }),
    renew: undefined,
    onCacheLookup: (result) => {
      seen[result] += 1;
    },
  });
  const phase2 = createBearerAuthentication({ ...charges, tokens, boundTokenReason: 'token_not_bound' });
  const phase3 = createDpopAuthentication({
    ...charges,
    tokens,
    verifyDpopProof: ({ beforeClaim }) => beforeClaim?.() ?? { nextNonce: undefined },
    createTargetUri: (target) => target,
    isRequired: true,
    acceptsBearerScheme: true,
  });
  return { seen, authenticate: jkt === undefined ? phase2 : phase3 };
}

/** All at once; resolves to how many were let in. */
async function admitted(gate: ReturnType<typeof createGate>, tokenOf: (request: number) => string): Promise<number> {
  const outcomes = await Promise.all(
    Array.from({ length: REQUESTS }, async (_, request) =>
      gate.authenticate({
        method: 'POST',
        target: '/mcp',
        authorization: [`Bearer ${tokenOf(request)}`],
        dpop: ['a proof'],
        clientKey: '192.0.2.1',
        sender: SENDER,
      }),
    ),
  );
  return outcomes.filter((outcome) => !isDenied(outcome)).length;
}

describe('many requests of one turn from one address', () => {
  it('phase 2: a charge that is given back stands in the way of nobody', async () => {
    assert.equal(await admitted(createGate(), (request) => `token-${request}`), REQUESTS);
  });

  it('phase 3: nor does it with bound tokens and proofs', async () => {
    assert.equal(await admitted(createGate({ jkt: 'j' }), (request) => `token-${request}`), REQUESTS);
  });

  it('a new token is verified once, however many of them bring it', async () => {
    for (const gate of [createGate(), createGate({ jkt: 'j' })]) {
      assert.equal(await admitted(gate, () => 'token'), REQUESTS);
      assert.deepEqual(gate.seen, { verified: 1, hit: REQUESTS - 1, miss: 1 });
    }
  });
});
