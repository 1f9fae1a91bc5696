/** Whatever the configuration was read from is followed: secrets as Kubernetes mounts them, authorities, files that come late. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createCertificate } from '../support/certificate.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { bearer, formatConfig, sendOn } from '../support/obex.ts';
import { type ObexProcess, startObexProcess } from '../support/obex-process.ts';
import { openRaw } from '../support/raw-http.ts';
import { type RecordingBackend, startRecordingBackend } from '../support/recording-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { startTestIssuer } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';

/** A mounted volume of Kubernetes: the file is a link into `..data`, which is a link that is swapped as a whole. */
function mountVolume(context: TestContext, content: string) {
  const folder = createTempFolder('volume');
  context.after(() => folder.remove());
  const at = (...names: string[]): string => join(folder.path, ...names);
  let version = 0;
  const swap = (next: string): void => {
    version += 1;
    mkdirSync(at(`..${version}`));
    writeFileSync(at(`..${version}`, 'secret'), next);
    symlinkSync(`..${version}`, at('..next'));
    renameSync(at('..next'), at('..data'));
  };
  swap(content);
  symlinkSync(join('..data', 'secret'), at('secret'));
  return { path: at('secret'), swap };
}

async function start(context: TestContext, config: string, args: readonly string[]): Promise<ObexProcess> {
  const obex = await startObexProcess({ config, args });
  context.after(() => obex.stop());
  return obex;
}

/** What the backend is shown as credentials. */
async function sentKey(obex: ObexProcess, backend: RecordingBackend): Promise<string | undefined> {
  const before = backend.requests.length;
  const client = await openRaw(obex.port);
  await sendOn(client, { lines: [bearer('anything')] });
  client.destroy();
  const { lines } = await backend.request(before);
  return lines.find((line) => line.startsWith('X-Key: '));
}

describe('a secret in a file', () => {
  it('that Kubernetes swaps is used with --watch, without a signal', async (context) => {
    const backend = await startRecordingBackend(context);
    const volume = mountVolume(context, 'first');
    const config = formatConfig({ backend, sections: { backend: `headers: { X-Key_file: "${volume.path}" }` } });
    const obex = await start(context, config, ['--watch']);
    assert.equal(await sentKey(obex, backend), 'X-Key: first');
    volume.swap('second');
    await obex.waitForEvent('reloaded');
    assert.equal(await sentKey(obex, backend), 'X-Key: second');
  });

  it('is read anew on SIGHUP', async (context) => {
    const backend = await startRecordingBackend(context);
    const volume = mountVolume(context, 'first');
    const config = formatConfig({ backend, sections: { backend: `headers: { X-Key_file: "${volume.path}" }` } });
    const obex = await start(context, config, []);
    volume.swap('second');
    obex.kill('SIGHUP');
    await obex.waitForEvent('reloaded');
    assert.equal(await sentKey(obex, backend), 'X-Key: second');
  });

  it('that is gone for a while refuses a reload, and is used when it comes again', async (context) => {
    const backend = await startRecordingBackend(context);
    const folder = createTempFolder('secret');
    context.after(() => folder.remove());
    const path = join(folder.path, 'secret');
    writeFileSync(path, 'first');
    const config = formatConfig({ backend, sections: { backend: `headers: { X-Key_file: "${path}" }` } });
    const obex = await start(context, config, ['--watch']);
    rmSync(path);
    await obex.waitForEvent('reload_refused');
    assert.equal(await sentKey(obex, backend), 'X-Key: first');
    writeFileSync(path, 'second');
    await obex.waitForEvent('reloaded');
    assert.equal(await sentKey(obex, backend), 'X-Key: second');
  });
});

describe('backend.tls.ca_file', () => {
  it('is followed like the certificates, with or without --watch', async (context) => {
    const backend = await startRecordingBackend(context);
    const volume = mountVolume(context, createCertificate('first').cert);
    const config = formatConfig({ backend, sections: { backend: `tls: { ca_file: "${volume.path}" }` } });
    const obex = await start(context, config, []);
    volume.swap('no certificate');
    const { problems } = await obex.waitForEvent('reload_refused');
    assert.match(String(problems), /^backend\.tls\.ca_file: /);
    volume.swap(createCertificate('second').cert);
    await until('the new one', () => obex.logs().find(({ event }) => event === 'certificate_reloaded'));
  });
});

describe('backend.assertion.key_file', () => {
  it('is followed like the certificates: a new key signs, and nobody has to say so', async (context) => {
    const backend = await startRecordingBackend(context);
    const issuer = await startTestIssuer(context, new FakeClock());
    const createKey = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    const volume = mountVolume(context, createKey());
    const assertion = `assertion: { enabled: true, key_file: "${volume.path}" }`;
    const obex = await start(context, formatConfig({ backend, issuer, sections: { backend: assertion } }), []);
    const keysSeen = (): number => obex.logs().filter(({ event }) => event === 'assertion_key').length;
    await until('the first key', () => (keysSeen() === 1 ? true : undefined));
    volume.swap('no key');
    const { problems } = await obex.waitForEvent('reload_refused');
    assert.match(String(problems), /^backend\.assertion\.key_file: \S+ holds no private key/);
    volume.swap(createKey());
    await until('the second key', () => (keysSeen() === 2 ? true : undefined));
  });
});
