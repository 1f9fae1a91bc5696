/** What is told of a TLS handshake that failed: what to do, and never a flag of Node. RFC 5280 §6. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { describe, it } from 'node:test';
import { boundPort } from '../../../../src/demo/loopback.ts';
import { toDenial } from '../../../../src/proxy/backend-failure.ts';
import { createBackendPool } from '../../../../src/wire/http1/backend-pool.ts';
import { explainHandshakeError } from '../../../../src/wire/http1/handshake-error.ts';
import { createCertificate } from '../../../support/certificate.ts';
import { NO_BODY, RecordedAnswer } from '../../../support/wire-peers.ts';
import { backendOptions } from '../../../support/wire-server.ts';

describe('a handshake that failed', () => {
  it('is explained when no TLS record came back, and left alone otherwise', () => {
    const wrongVersion = new Error(
      '1:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:x.c:80:',
    );
    assert.equal(explainHandshakeError(wrongVersion).message, 'the server speaks no TLS; is it http?');
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    assert.equal(explainHandshakeError(reset), reset);
  });

  it('names the key that cures a certificate of a private authority', async (context) => {
    const server = createServer(createCertificate('backend'), (_, response) => response.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => void server.close());
    const url = new URL(`https://localhost:${boundPort(server)}`);
    const pool = createBackendPool({ ...backendOptions(0), url });
    context.after(() => pool.close());
    const answer = new RecordedAnswer();
    pool.send({ method: 'GET', target: '/', fields: ['Host', url.host], commonLines: '' }, NO_BODY, answer);
    await answer.over;
    const { failure, cause } = answer;
    assert.ok(failure !== undefined && cause instanceof Error);
    const denial = toDenial(failure, cause);
    assert.equal(denial?.reason, 'backend_unavailable');
    assert.equal(
      denial.evidence.detail,
      'its certificate is of an authority unknown here (DEPTH_ZERO_SELF_SIGNED_CERT); name that authority in backend.tls.ca_file',
    );
  });
});
