/** An IdP whose certificate is of a private authority: idp.tls.ca_file. RFC 8414 §6.1, RFC 9110 §4.3.4. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import path from 'node:path';
import { describe, it } from 'node:test';
import { boundPort } from '../../src/demo/loopback.ts';
import type { ServerTls } from '../../src/wire/exchange.ts';
import { createCertificate } from '../support/certificate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { bearer, bodyOf, type Cleanup, formatConfig, startTestObex } from '../support/obex.ts';
import { startRecordingBackend } from '../support/recording-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { startTestIssuer } from '../support/test-issuer.ts';

async function serveKeys(context: Cleanup, certificate: ServerTls, keys: unknown): Promise<string> {
  const server = createServer(certificate, (_, response) => response.end(JSON.stringify({ keys }))).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `https://localhost:${boundPort(server)}/jwks`;
}

describe('idp.tls.ca_file', () => {
  it('is what the keys of an issuer are fetched with; a reload reads it anew', async (context) => {
    const clock = new FakeClock();
    const issuer = await startTestIssuer(context, clock);
    const backend = await startRecordingBackend(context);
    const certificate = createCertificate('idp');
    const jwksUri = await serveKeys(context, certificate, issuer.published);
    const folder = createTempFolder('ca');
    context.after(() => folder.remove());
    const file = path.join(folder.path, 'ca.pem');
    writeFileSync(file, createCertificate('another').cert);
    const yaml = formatConfig({
      backend,
      issuer: { url: issuer.url, jwksUri },
      sections: { idp: `tls: { ca_file: "${file}" }` },
    });
    const obex = await startTestObex(context, yaml, clock);
    const failed = await obex.event('jwks_fetch_failed');
    assert.equal(
      failed['error'],
      `GET ${jwksUri}: ${new URL(jwksUri).host}: its certificate is of an authority unknown here ` +
        '(DEPTH_ZERO_SELF_SIGNED_CERT); let tls.ca_file of this issuer name the PEM file of that authority',
    );
    const request = { lines: [bearer(await issuer.token())] };
    const refused = await obex.send(request);
    assert.equal(refused.status, 503);
    assert.equal(bodyOf(refused)['reason'], 'jwks_unavailable');
    assert.equal(backend.received(), '');
    writeFileSync(file, certificate.cert);
    await obex.reload(yaml);
    await obex.event('jwks_fetched');
    assert.equal((await obex.send(request)).status, 200);
    assert.equal(backend.requests.length, 1);
  });

  it('of one issuer is nothing to another', async (context) => {
    const clock = new FakeClock();
    const issuer = await startTestIssuer(context, clock);
    const other = await startTestIssuer(context, clock);
    const backend = await startRecordingBackend(context);
    const certificate = createCertificate('idp');
    const folder = createTempFolder('ca');
    context.after(() => folder.remove());
    const file = path.join(folder.path, 'ca.pem');
    writeFileSync(file, certificate.cert);
    const [own, foreign] = [
      await serveKeys(context, certificate, issuer.published),
      await serveKeys(context, certificate, other.published),
    ];
    const additional = `additional_issuers: [{ issuer: "${other.url}", jwks_uri: "${foreign}" }]`;
    const yaml = formatConfig({
      backend,
      issuer: { url: issuer.url, jwksUri: own },
      sections: { idp: `tls: { ca_file: "${file}" }\n${additional}` },
    });
    const obex = await startTestObex(context, yaml, clock);
    await obex.event('jwks_fetched', (event) => event['issuer'] === issuer.url);
    await obex.event('jwks_fetch_failed', (event) => event['issuer'] === other.url);
    assert.equal((await obex.send({ lines: [bearer(await other.token())] })).status, 503);
    assert.equal((await obex.send({ lines: [bearer(await issuer.token())] })).status, 200);
    assert.equal(backend.requests.length, 1);
  });
});
