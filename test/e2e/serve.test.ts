/** `obex serve` and what happens around it: signals, and certificates that are renewed. docs/operations.md. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect } from 'node:tls';
import { createCertificate } from '../support/certificate.ts';
import { type ClientIdentity, createIssuedIdentity, openAs } from '../support/client-certificate.ts';
import { bearer, formatConfig, formatRequest, sendOn } from '../support/obex.ts';
import { type ObexProcess, type ObexProcessOptions, startObexProcess } from '../support/obex-process.ts';
import { openRaw } from '../support/raw-http.ts';
import { OK_BODY, startRecordingBackend } from '../support/recording-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

async function start(context: TestContext, options: ObexProcessOptions): Promise<ObexProcess> {
  const obex = await startObexProcess(options);
  context.after(() => obex.stop());
  return obex;
}

describe('SIGTERM', () => {
  it('a second one ends at once, and nothing says that the drain was done', async (context) => {
    const backend = await startRecordingBackend(context);
    backend.answer = () => undefined;
    const obex = await start(context, { config: formatConfig({ backend }) });
    const client = await openRaw(obex.port);
    await client.send(formatRequest({ lines: [bearer('anything')] }));
    await backend.request(0);
    obex.kill('SIGTERM');
    await obex.waitForEvent('draining');
    obex.kill('SIGTERM');
    assert.deepEqual(await obex.ended(), { code: 1, signal: null });
    const ending = obex.logs().map(({ event }) => event);
    assert.deepEqual(ending.slice(ending.indexOf('draining')), ['draining', 'stopped_at_once']);
  });
});

describe('SIGHUP', () => {
  for (const workers of [1, 2]) {
    it(`a file that no rule has thought of is refused with its problems, and the old one serves on (${workers} threads)`, async (context) => {
      const backend = await startRecordingBackend(context);
      const config = formatConfig({ backend, sections: { obex: `workers: ${workers}` } });
      const obex = await start(context, { config });
      writeFileSync(obex.configPath, config.replace(/listen: .*/, 'listen: { toString: 1 }'));
      obex.kill('SIGHUP');
      const { cause, problems } = await obex.waitForEvent('reload_refused');
      assert.equal(cause, 'SIGHUP');
      assert.match(String(problems), /obex\.yaml:3: obex\.listen: expected ":8443", .*, got a map of keys/);
      const client = await openRaw(obex.port);
      context.after(() => client.destroy());
      const { status, body } = await sendOn(client, { lines: [bearer('anything')] });
      assert.deepEqual([status, body.toString()], [200, OK_BODY]);
    });
  }
});

describe('an address that is taken', () => {
  it('is refused with its key, who has it, and what to do', async (context) => {
    const backend = await startRecordingBackend(context);
    const taken = `127.0.0.1:${backend.port}`;
    const refused = startObexProcess({
      config: formatConfig({ backend, sections: { metrics: `listen: "${taken}"` } }),
    });
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof Error);
      const [line] = /^obex: (?!WARNING).*$/m.exec(error.message) ?? [];
      assert.equal(
        line,
        `obex: metrics.listen: cannot listen on ${taken}: the port is taken; "ss -tanp sport = :${backend.port}", as root, shows by whom; stop that, or choose another port (listen EADDRINUSE: address already in use ${taken})`,
      );
      return true;
    });
  });
});

describe('a log that nobody reads any more', () => {
  it('costs its lines, which are counted, and nothing else', async (context) => {
    const backend = await startRecordingBackend(context);
    const obex = await start(context, { config: formatConfig({ backend }) });
    const client = await openRaw(obex.port);
    context.after(() => client.destroy());
    obex.closeStdout();
    await until('lines to be dropped', async () => {
      await sendOn(client, {});
      const page = (await sendOn(client, { target: '/metrics' })).body.toString();
      return /^obex_access_lines_dropped_total [1-9]/m.test(page) ? true : undefined;
    });
    const { status, body } = await sendOn(client, { lines: [bearer('anything')] });
    assert.deepEqual([status, body.toString()], [200, OK_BODY]);
    obex.kill('SIGTERM');
    assert.deepEqual(await obex.ended(), { code: 0, signal: null });
    assert.doesNotMatch(obex.output(), /^obex: (?!WARNING)/m);
  });
});

describe('certificates', () => {
  /** Obex with a certificate of its own, in files that a test may change. */
  async function startWithCertificate(context: TestContext, more = 'client_auth: off') {
    const folder = createTempFolder('renewal');
    context.after(() => folder.remove());
    const paths = { cert: join(folder.path, 'crt'), key: join(folder.path, 'key') };
    const write = ({ cert, key }: { readonly cert: string; readonly key: string }): void => {
      writeFileSync(paths.cert, cert);
      writeFileSync(paths.key, key);
    };
    write(createCertificate('first'));
    const backend = await startRecordingBackend(context);
    const tls = `tls: { enabled: true, cert_file: "${paths.cert}", key_file: "${paths.key}", ${more} }`;
    const obex = await start(context, { config: formatConfig({ backend, sections: { obex: tls } }) });
    return { obex, paths, write };
  }

  /** The name in the certificate that a new connection is shown. */
  function servedName({ port }: ObexProcess): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject.CN);
        socket.destroy();
      });
      socket.once('error', reject);
    });
  }

  it('are served anew when both files have changed', async (context) => {
    const { obex, write } = await startWithCertificate(context);
    assert.equal(await servedName(obex), 'first');
    write(createCertificate('second'));
    await obex.waitForEvent('certificate_reloaded');
    assert.equal(await servedName(obex), 'second');
  });

  it('of authorities of clients are followed alike', async (context) => {
    const [before, after] = [createIssuedIdentity(), createIssuedIdentity()];
    const folder = createTempFolder('authorities');
    context.after(() => folder.remove());
    const authorities = join(folder.path, 'ca');
    writeFileSync(authorities, before.ca);
    const asked = `client_auth: require, client_ca_file: "${authorities}"`;
    const { obex } = await startWithCertificate(context, asked);
    const statusOf = async (identity: ClientIdentity): Promise<number> => {
      const client = await openAs(obex.port, identity);
      const { status } = await sendOn(client, { host: 'tool.example.com', lines: [bearer('anything')] });
      client.destroy();
      return status;
    };
    assert.deepEqual([await statusOf(before), await statusOf(after)], [200, 403]);
    writeFileSync(authorities, after.ca);
    await obex.waitForEvent('certificate_reloaded');
    assert.deepEqual([await statusOf(before), await statusOf(after)], [403, 200]);
  });

  it('are followed to the files that a reload names', async (context) => {
    const { obex, paths } = await startWithCertificate(context);
    const moved = { cert: `${paths.cert}.moved`, key: `${paths.key}.moved` };
    const writeMoved = ({ cert, key }: { readonly cert: string; readonly key: string }): void => {
      writeFileSync(moved.cert, cert);
      writeFileSync(moved.key, key);
    };
    writeMoved(createCertificate('second'));
    const config = readFileSync(obex.configPath, 'utf8');
    writeFileSync(obex.configPath, config.replace(paths.cert, moved.cert).replace(paths.key, moved.key));
    obex.kill('SIGHUP');
    await obex.waitForEvent('reloaded');
    assert.equal(await servedName(obex), 'second');
    writeMoved(createCertificate('third'));
    await obex.waitForEvent('certificate_reloaded');
    assert.equal(await servedName(obex), 'third');
  });

  it('that cannot be used refuse a reload, with the file and the reason, and the old one stays', async (context) => {
    const { obex, paths } = await startWithCertificate(context);
    writeFileSync(paths.key, createCertificate('other').key);
    obex.kill('SIGHUP');
    const { cause, problems } = await obex.waitForEvent('reload_refused');
    assert.deepEqual(
      [cause, problems],
      ['SIGHUP', [`obex.tls.key_file: ${paths.key} does not belong to the certificate in obex.tls.cert_file`]],
    );
    assert.equal(await servedName(obex), 'first');
  });
});
