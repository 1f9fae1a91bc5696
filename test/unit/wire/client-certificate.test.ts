/** Certificates of clients in the handshakes of the engine: what is read of them, what cannot change them, what is too much. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { makeCertificate } from '../../../src/certs/make-certificate.ts';
import { type ClientCertificate, certificateThumbprint } from '../../../src/lib/client-certificate.ts';
import type { Exchange, ServerTls } from '../../../src/wire/exchange.ts';
import { createCertificate } from '../../support/certificate.ts';
import { createIdentity, openAs, PROTOCOLS, toOptions } from '../../support/client-certificate.ts';
import { sendOn } from '../../support/obex.ts';
import { until } from '../../support/until.ts';
import { respondText } from '../../support/wire-peers.ts';
import { startWire } from '../../support/wire-server.ts';

const SERVER = createCertificate('server');
const ALICE = createIdentity('alice');

/** A listener that keeps what it is told of the certificate of each request. */
async function startListener(context: TestContext, clients: ServerTls['clients']) {
  const seen: ClientCertificate[] = [];
  const failures: (string | undefined)[] = [];
  const onExchange = (exchange: Exchange): void => {
    seen.push(exchange.clientCertificate);
    respondText(exchange, 'ok');
  };
  const { server } = await startWire(context, onExchange, {
    tls: { ...SERVER, clients },
    watcher: { onHandshakeFailure: (_failure, code) => void failures.push(code) },
  });
  return { server, port: server.port, seen, failures };
}

/** For servers, as large as `names` makes it. */
function createLarge(names: number, endYear = 2049) {
  const hosts = Array.from({ length: names }, (_, index) => `${index}.example.com`);
  const [notBefore, notAfter] = [new Date(Date.UTC(2020, 0)), new Date(Date.UTC(endYear, 0))];
  const { cert, key } = makeCertificate({ commonName: 'large', hosts, notBefore, notAfter });
  const { raw } = new X509Certificate(cert);
  return { cert, key, thumbprint: certificateThumbprint(raw), bytes: raw.length };
}

describe('RFC 8705 §2: the certificate of a connection', () => {
  for (const protocol of PROTOCOLS) {
    it(`over ${protocol} is told of every request, by the same value`, async (context) => {
      const { port, seen } = await startListener(context, { ca: undefined });
      const client = await openAs(port, ALICE, protocol);
      for (let request = 1; request <= 3; request += 1) await sendOn(client, { host: 'a' });
      client.destroy();
      assert.deepEqual(seen[0], { thumbprint: ALICE.thumbprint });
      assert.ok(seen.length === 3 && seen.every((certificate) => certificate === seen[0]));
    });

    it(`over ${protocol} is not there for who sends none, nor where nobody is asked`, async (context) => {
      for (const [clients, absence] of [
        [{ ca: undefined }, 'the client sent no certificate'],
        [undefined, 'the connection was not asked for one'],
      ] as const) {
        const { port, seen } = await startListener(context, clients);
        const client = await openAs(port, clients === undefined ? ALICE : undefined, protocol);
        await sendOn(client, { host: 'a' });
        client.destroy();
        assert.deepEqual(seen, [{ absence }]);
      }
    });
  }
});

describe('RFC 5280 §6: a certificate that authorities must vouch for', () => {
  const cases: readonly (readonly [name: string, ReturnType<typeof createLarge>, absence: string])[] = [
    ['that has ended', createLarge(1, 2021), 'CERT_HAS_EXPIRED'],
    ['that is for servers', createLarge(1), 'INVALID_PURPOSE'],
  ];
  for (const [name, identity, why] of cases) {
    it(`counts as none when it is one ${name}, though the authority is known`, async (context) => {
      for (const ca of [identity.cert, undefined]) {
        const { port, seen } = await startListener(context, { ca });
        const client = await openAs(port, { ...identity, field: '' });
        await sendOn(client, { host: 'a' });
        client.destroy();
        const expected = { absence: `the client's certificate is not trusted: ${why}` };
        assert.deepEqual(seen, [ca === undefined ? { thumbprint: identity.thumbprint } : expected]);
      }
    });
  }
});

describe('RFC 9325 §3.5, RFC 9113 §9.2.1: renegotiation', () => {
  for (const clients of [undefined, { ca: undefined }]) {
    it(`is refused, ${clients === undefined ? 'also where no certificate is asked for' : 'so a connection keeps its certificate'}`, async (context) => {
      const { port, seen } = await startListener(context, clients);
      const socket = connectTls({ host: '127.0.0.1', port, maxVersion: 'TLSv1.2', ...toOptions(ALICE) });
      await once(socket, 'secureConnect');
      const failed = once(socket, 'error');
      socket.renegotiate({ rejectUnauthorized: false }, () => undefined);
      const [error] = await failed;
      assert.equal(error.code, 'ERR_SSL_NO_RENEGOTIATION');
      await until('the end of the connection', () => socket.closed || undefined);
      assert.deepEqual(seen, []);
    });
  }
});

describe('certificates of any size', () => {
  it('one of 16 KB is as good as any', async (context) => {
    const { port, seen } = await startListener(context, { ca: undefined });
    const large = createLarge(900);
    assert.ok(large.bytes > 15_000);
    for (const protocol of PROTOCOLS) {
      const client = await openAs(port, { ...large, field: '' }, protocol);
      await sendOn(client, { host: 'a' });
      client.destroy();
    }
    assert.deepEqual(seen, [{ thumbprint: large.thumbprint }, { thumbprint: large.thumbprint }]);
  });

  it('more than 100 KB end the handshake, and nothing else', async (context) => {
    const { port, seen, failures } = await startListener(context, { ca: undefined });
    const large = createLarge(6000);
    assert.ok(large.bytes > 100_000);
    const socket = connectTls({ host: '127.0.0.1', port, ...toOptions({ ...large, field: '' }) });
    await once(socket, 'error');
    assert.deepEqual(await until('the failure', () => (failures.length > 0 ? failures : undefined)), [
      'ERR_SSL_EXCESSIVE_MESSAGE_SIZE',
    ]);
    const client = await openAs(port, ALICE);
    await sendOn(client, { host: 'a' });
    client.destroy();
    assert.deepEqual(seen, [{ thumbprint: ALICE.thumbprint }]);
  });

  it('one that fits into no ticket ends its connection, and nothing else', async (context) => {
    const { server, port, seen } = await startListener(context, { ca: undefined });
    const large = toOptions({ ...createLarge(4000), field: '' });
    for (const protocol of PROTOCOLS) {
      const socket = connectTls({ host: '127.0.0.1', port, ...large, ALPNProtocols: [protocol] });
      await once(socket, 'error');
      await until('the end of the connection', () => server.connections === 0 || undefined);
    }
    const client = await openAs(port, ALICE);
    await sendOn(client, { host: 'a' });
    client.destroy();
    assert.deepEqual(seen, [{ thumbprint: ALICE.thumbprint }]);
  });
});
