/** Attacks on DPoP at the token endpoint. RFC 9449 §4.3, §5, §11.1. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { FieldLines } from '../../../src/wire/exchange.ts';
import { createProver, type ProofChange } from '../../support/dpop.ts';
import { parseObject } from '../../support/json.ts';
import { Browser } from '../../support/login-browser.ts';
import { Client, claimsIn, obtainCode, tokensIn } from '../../support/login-client.ts';
import { type Answer, errorOf, fieldOf, ISSUER, type Login, startLogin } from '../../support/login-server.ts';

/** What RFC 9449 §4.2 wants of a proof for the token endpoint. */
function proofAt(prover: ReturnType<typeof createProver>, change: ProofChange['claims'] = {}): FieldLines {
  const claims = {
    htm: 'POST',
    htu: `${ISSUER}/oauth/token`,
    iat: Math.floor(Date.now() / 1000),
    ath: undefined,
    ...change,
  };
  return ['dpop', prover.prove({ claims })];
}

async function withDpop(context: TestContext): Promise<{ login: Login; client: Client; code: string }> {
  const login = await startLogin(context, { options: { dpopAlgorithms: ['ES256'] } });
  const client = await Client.register(login);
  return { login, client, code: await obtainCode(client, new Browser(login)) };
}

describe('RFC 9449 §5, §11.1: tokens that are bound stay bound, and a proof is used once', () => {
  it('binds both tokens to the key', async (context) => {
    const { client, code } = await withDpop(context);
    const prover = createProver();
    const answer = await client.redeem(code, {}, proofAt(prover));
    assert.equal(parseObject(answer.text)['token_type'], 'DPoP');
    assert.deepEqual(claimsIn(tokensIn(answer).access)['cnf'], { jkt: prover.jkt });
    const { refresh } = tokensIn(answer);
    const refused: readonly FieldLines[] = [[], proofAt(createProver()), proofAt(prover, { htu: `${ISSUER}/mcp` })];
    for (const fields of refused) assert.equal((await client.refresh(refresh, {}, fields)).status, 400);
    const again = await client.refresh(refresh, {}, proofAt(prover));
    assert.deepEqual(claimsIn(tokensIn(again).access)['cnf'], { jkt: prover.jkt });
  });

  it('honours one of twenty copies of a proof at once', async (context) => {
    const { login, client, code } = await withDpop(context);
    const prover = createProver();
    const { refresh } = tokensIn(await client.redeem(code, {}, proofAt(prover)));
    const copy = proofAt(prover);
    const answers: Answer[] = await Promise.all(Array.from({ length: 20 }, () => client.refresh(refresh, {}, copy)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    for (const { status, text } of answers) assert.ok(status === 200 || /invalid_(dpop_proof|grant)/.test(text), text);
    assert.equal((await login.stored()).family, 1);
    assert.equal((await client.refresh(refresh, {}, copy)).status, 400);
  });

  const PROOFS: readonly (readonly [name: string, change: ProofChange['claims']])[] = [
    ['of another method', { htm: 'GET' }],
    ['for another server', { htu: 'https://evil.example/oauth/token' }],
    ['of an hour ago', { iat: Date.UTC(2026, 2, 1, 11) / 1000 }],
    ['of tomorrow', { iat: Date.UTC(2026, 2, 2, 12) / 1000 }],
    ['without jti', { jti: undefined }],
  ];
  for (const [name, change] of PROOFS) {
    it(`refuses a proof ${name}, and uses up nothing`, async (context) => {
      const { client, code } = await withDpop(context);
      const answer = await client.redeem(code, {}, proofAt(createProver(), change));
      assert.deepEqual(errorOf(answer), { status: 400, error: 'invalid_dpop_proof' });
      assert.equal(fieldOf(answer, 'cache-control'), 'no-store');
      assert.equal((await client.redeem(code, {}, proofAt(createProver()))).status, 200);
    });
  }

  it('holds a code to the key of its request (RFC 9449 §10)', async (context) => {
    const login = await startLogin(context, { options: { dpopAlgorithms: ['ES256'] } });
    const client = await Client.register(login);
    const prover = createProver();
    const obtain = (): Promise<string> => obtainCode(client, new Browser(login), { dpop_jkt: prover.jkt });
    for (const fields of [[], proofAt(createProver())]) {
      assert.deepEqual(errorOf(await client.redeem(await obtain(), {}, fields)), {
        status: 400,
        error: 'invalid_grant',
      });
      assert.equal((await login.stored()).refresh, undefined);
    }
    assert.equal((await client.redeem(await obtain(), {}, proofAt(prover))).status, 200);
  });

  it('does not let a bound refresh token become an unbound one, nor end by the wrong key', async (context) => {
    const { client, code } = await withDpop(context);
    const prover = createProver();
    const { refresh } = tokensIn(await client.redeem(code, {}, proofAt(prover)));
    for (const fields of [[], proofAt(createProver())])
      assert.equal((await client.refresh(refresh, {}, fields)).status, 400);
    assert.equal((await client.refresh(refresh, {}, proofAt(prover))).status, 200);
  });
});

describe('RFC 9449 §5.1: the algorithms that the metadata list are those that are taken', () => {
  for (const [alg, others] of [
    ['ES256', ['Ed25519']],
    ['Ed25519', ['ES256']],
    ['PS256', ['ES256']],
    ['ES384', ['ES256']],
  ] as const) {
    it(`takes ${alg} and not ${others.join(' ')} where ${alg} is configured`, async (context) => {
      const login = await startLogin(context, { options: { dpopAlgorithms: [alg] } });
      const metadata = parseObject((await login.ask({ target: '/.well-known/oauth-authorization-server' })).text);
      assert.deepEqual(metadata['dpop_signing_alg_values_supported'], [alg]);
      const client = await Client.register(login);
      const code = await obtainCode(client, new Browser(login));
      for (const other of others) {
        const answer = await client.redeem(code, {}, proofAt(createProver(other)));
        assert.deepEqual(errorOf(answer), { status: 400, error: 'invalid_dpop_proof' });
      }
      assert.equal((await client.redeem(code, {}, proofAt(createProver(alg)))).status, 200);
    });
  }

  it('does not look at proofs where there are none', async (context) => {
    const login = await startLogin(context);
    const client = await Client.register(login);
    const answer = await client.redeem(await obtainCode(client, new Browser(login)), {}, proofAt(createProver()));
    assert.deepEqual([answer.status, parseObject(answer.text)['token_type']], [200, 'Bearer']);
    assert.equal(claimsIn(tokensIn(answer).access)['cnf'], undefined);
  });
});
