/** Certificates in force: what clients will have against them is said at start and at reload, and shown in /metrics. docs/tls.md */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { makeCertificate } from '../../src/certs/make-certificate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { formatConfig, type LogEvent, startTestObex } from '../support/obex.ts';
import { startRecordingBackend } from '../support/recording-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { TRANSPORT } from '../support/transport.ts';

const DAY_MS = 86_400_000;
const METRIC = 'obex_certificate_not_after_timestamp_seconds';

/** Of a transport with TLS the certificate is its own. */
const OWN_CERTIFICATE = { skip: (TRANSPORT === 'tls' || TRANSPORT === 'http2') && 'has a certificate of its own' };

async function createServer(context: TestContext) {
  const clock = new FakeClock();
  const folder = createTempFolder('certificates');
  context.after(() => folder.remove());
  const files = { cert_file: join(folder.path, 'server.crt'), key_file: join(folder.path, 'server.key') };
  const write = (days: number, host = 'tool.example.com'): void => {
    const made = makeCertificate({
      commonName: 'test',
      hosts: [host],
      notBefore: new Date(clock.nowMs() - 2 * DAY_MS),
      notAfter: new Date(clock.nowMs() + days * DAY_MS),
    });
    writeFileSync(files.cert_file, made.cert);
    writeFileSync(files.key_file, made.key);
  };
  const backend = await startRecordingBackend(context);
  const yaml = formatConfig({ backend, sections: { obex: `tls: ${JSON.stringify({ enabled: true, ...files })}` } });
  return { clock, files, write, yaml };
}

function said(events: readonly LogEvent[]): readonly unknown[] {
  return events.map(({ level, fault, message }) => [level, fault, message]);
}

describe('a certificate that clients will refuse', OWN_CERTIFICATE, () => {
  it('is said at start, and does not keep Obex from serving', async (context) => {
    const { clock, files, write, yaml } = await createServer(context);
    write(-1, 'other.example');
    const obex = await startTestObex(context, yaml, clock);
    assert.deepEqual(said(obex.events('certificate_warning')), [
      ['warn', 'expired', `${files.cert_file} expired on 2026-02-28: clients refuse it; put a new one there`],
      ['warn', 'other_name', `${files.cert_file} is for other.example and not for tool.example.com: clients refuse it`],
    ]);
  });

  it('is said at reload, once however many workers there are', async (context) => {
    const { clock, files, write, yaml } = await createServer(context);
    write(365);
    const obex = await startTestObex(context, yaml, clock);
    assert.deepEqual(obex.events('certificate_warning'), []);
    write(29);
    await obex.reload(yaml);
    assert.deepEqual(said(obex.events('certificate_warning')), [
      ['warn', 'expires_soon', `${files.cert_file} expires on 2026-03-30; put a new one there before`],
    ]);
  });
});

describe(METRIC, () => {
  it('is the end of the certificate in force', {
    skip: OWN_CERTIFICATE.skip || (TRANSPORT === 'workers' && 'is read from this thread'),
  }, async (context) => {
    const { clock, write, yaml } = await createServer(context);
    write(365);
    const obex = await startTestObex(context, yaml, clock);
    assert.equal(obex.metric(METRIC), clock.nowSeconds + 365 * 86_400);
    write(10);
    await obex.reload(yaml);
    assert.equal(obex.metric(METRIC), clock.nowSeconds + 10 * 86_400);
  });

  it('is not there without TLS', OWN_CERTIFICATE, async (context) => {
    const backend = await startRecordingBackend(context);
    const obex = await startTestObex(context, formatConfig({ backend }));
    assert.equal(await obex.scrape(METRIC), undefined);
  });
});
