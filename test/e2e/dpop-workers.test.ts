/** One process with two threads: what is in memory is one memory. RFC 9449 §9, §11.1. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type ObexProcess, startObexProcess } from '../support/obex-process.ts';
import { type Copier, countSuccesses, RESOURCE, SCOPE, startCopier } from '../support/proof-copies.ts';
import { sendRawRequest } from '../support/raw-request.ts';
import { type RememberingBackend, startRememberingBackend } from '../support/remembering-backend.ts';

const ROUNDS = 10;
const COPIES = 100;

describe('workers: 2', () => {
  const running = new AsyncDisposableStack();
  let backend: RememberingBackend;
  let copier: Copier;
  let obex: ObexProcess;

  before(async () => {
    backend = running.adopt(await startRememberingBackend(), (it) => it.stop());
    copier = running.adopt(await startCopier(), (it) => it.stop());
    const config = `obex: { public_url: "https://tool.example", listen: "127.0.0.1:0", workers: 2 }
backend: { url: "http://127.0.0.1:${backend.port}" }
resource: { url: "${RESOURCE}" }
idp: { issuer: "${copier.idp.issuer}" }
authz: { required_scopes: ["${SCOPE}"] }
dpop: { enabled: true }
`;
    obex = running.adopt(await startObexProcess({ config }), (it) => it.stop());
  });

  after(() => running.disposeAsync());

  it('one proof sent 100 times at once, over connections to both, is accepted once', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      backend.forget();
      const answers = await copier.sendCopies([obex.port], COPIES);
      assert.equal(countSuccesses(answers), 1);
      assert.deepEqual(new Set(answers), new Set([200, 'dpop_replayed']));
      assert.equal(backend.requests().length, 1);
    }
  });

  it('whichever answers, the metrics are those of both', async () => {
    for (let n = 0; n < 4; n += 1) {
      const { body } = await sendRawRequest({ port: obex.port, target: '/metrics' });
      const page = body.toString();
      assert.match(page, new RegExp(`^obex_dpop_proofs_total\\{result="valid"\\} ${ROUNDS}$`, 'm'));
      assert.match(
        page,
        new RegExp(`^obex_dpop_proofs_total\\{result="dpop_replayed"\\} ${ROUNDS * (COPIES - 1)}$`, 'm'),
      );
      assert.match(page, new RegExp(`^obex_dpop_claim_seconds_count ${ROUNDS * COPIES}$`, 'm'));
      assert.match(page, new RegExp(`^obex_dpop_replay_cache_entries ${ROUNDS}$`, 'm'));
    }
  });
});
