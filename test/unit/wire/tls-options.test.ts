/** RFC 9325: TLS 1.2 with forward secrecy and AEAD suites, or TLS 1.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCertificate } from '../../support/certificate.ts';
import { openRaw } from '../../support/raw-http.ts';
import { LIMITS, respondText } from '../../support/wire-peers.ts';
import { startWire } from '../../support/wire-server.ts';

describe('RFC 9325 §3.1.1, §4.2: protocol versions and cipher suites', () => {
  it('refuses TLS 1.1 and suites without AEAD, and the engine hears of neither', async (context) => {
    const { server, closed, refused } = await startWire(context, () => assert.fail('no exchange'), {
      tls: createCertificate('one'),
    });
    const cbc = { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA' } as const;
    await assert.rejects(openRaw(server.port, { rejectUnauthorized: false, ...cbc }), /handshake failure/);
    await assert.rejects(openRaw(server.port, { rejectUnauthorized: false, maxVersion: 'TLSv1.1' }));
    assert.deepEqual([closed, refused], [[], []]);
  });

  it('min_version TLSv1.3 refuses TLS 1.2', async (context) => {
    const tls = { ...createCertificate('one'), minVersion: 'TLSv1.3' } as const;
    const { server } = await startWire(context, (exchange) => respondText(exchange, 'ok'), { tls });
    await assert.rejects(openRaw(server.port, { rejectUnauthorized: false, maxVersion: 'TLSv1.2' }));
    const client = await openRaw(server.port, { rejectUnauthorized: false });
    await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.equal((await client.readResponse()).body.toString(), 'ok');
    client.destroy();
  });
});

describe('RFC 9112 over TLS', () => {
  it('refuses as over TCP, and hangs up on a silent client without a word', async (context) => {
    const { server, refused } = await startWire(context, () => assert.fail('no exchange'), {
      tls: createCertificate('one'),
      limits: () => ({ ...LIMITS, readTimeoutMs: 60 }),
    });
    const client = await openRaw(server.port, { rejectUnauthorized: false });
    await client.send('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
    assert.equal((await client.readResponse()).status, 400);
    assert.equal((await client.readToEnd()).length, 0);
    const silent = await openRaw(server.port, { rejectUnauthorized: false });
    assert.equal((await silent.readToEnd()).length, 0);
    assert.deepEqual(refused, ['malformed_request: more than one Host']);
  });
});
