/** TLS_MODE in the stack: what `certs` decides before Obex starts, and the renewal of a certificate. docs/tls.md */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { makeCertificate } from '../../src/certs/make-certificate.ts';
import { until } from '../support/until.ts';
import { prepareStack, type Stack, trustCertificateIn, untilReady, untilStatus } from './compose-stack.ts';
import { startLoad } from './load.ts';
import { logEvents } from './log-events.ts';
import { fetchToken } from './tokens.ts';

const MARIADB = 'https://localhost:8443';
const CLICKHOUSE = 'https://localhost:8444';
const BOTH = ['obex-mariadb', 'obex-clickhouse'] as const;
const DAY_MS = 86_400_000;

let stack: Stack;

afterEach(() => stack.down());

async function prepare(settings: Readonly<Record<string, string>>): Promise<void> {
  stack = await prepareStack({ settings });
}

/** Puts a pair where `TLS_MODE=provided` looks for it, each file whole, as docs/tls.md asks. */
function provide(name: string, notAfter: Date): void {
  const notBefore = new Date(notAfter.getTime() - 100 * DAY_MS);
  const { cert, key } = makeCertificate({ commonName: name, hosts: ['localhost'], notBefore, notAfter });
  mkdirSync(stack.certs, { recursive: true });
  for (const [file, text] of [
    ['server.crt', cert],
    ['server.key', key],
  ] as const) {
    const next = join(stack.certs, `${file}.next`);
    writeFileSync(next, text);
    // The test need not be root, so the user of the container is one of the others.
    chmodSync(next, 0o644);
    renameSync(next, join(stack.certs, file));
  }
}

async function assertRefused(message: RegExp): Promise<void> {
  const { code } = await stack.tryCompose('up', '--detach', '--force-recreate', ...BOTH);

  assert.notEqual(code, 0);
  assert.match(await stack.compose('logs', '--no-log-prefix', 'certs'), message);
  assert.equal(await stack.compose('ps', '--status', 'running', '--quiet', ...BOTH), '');
}

/** Common name of the certificate that a new connection gets. */
function servedName(): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: 'localhost', port: 8443, servername: 'localhost', rejectUnauthorized: false });
  socket.once('error', reject);
  socket.once('secureConnect', () => {
    resolve(String(socket.getPeerCertificate().subject.CN));
    socket.destroy();
  });
  return promise;
}

describe('TLS_MODE=self-signed', () => {
  it('makes a certificate that verifies, keeps it, and is looked at again whenever Obex is made anew', async () => {
    await prepare({});
    await stack.compose('up', '--detach', ...BOTH);
    trustCertificateIn(stack.certs);
    const made = readFileSync(join(stack.certs, 'server.crt'), 'utf8');

    await stack.compose('up', '--detach', '--force-recreate', ...BOTH);

    assert.equal(readFileSync(join(stack.certs, 'server.crt'), 'utf8'), made);
    assert.match(await stack.compose('logs', '--no-log-prefix', 'certs'), /Self-signed certificate kept/);
    for (const origin of [MARIADB, CLICKHOUSE]) await untilStatus(`${origin}/health`, 200);
  });
});

describe('TLS_MODE=provided', () => {
  it('keeps Obex from starting without files', async () => {
    await prepare({ TLS_MODE: 'provided' });
    await assertRefused(/ERROR: TLS_MODE=provided but certificate files not found\./);
  });

  it('keeps Obex from starting with a certificate that has expired', async () => {
    await prepare({ TLS_MODE: 'provided' });
    provide('expired', new Date(Date.now() - DAY_MS));
    await assertRefused(/ERROR: Provided certificate has already expired\./);
  });

  it('keeps Obex from starting with a key that it could not read: it started again and again', async () => {
    await prepare({ TLS_MODE: 'provided' });
    provide('unreadable', new Date(Date.now() + 90 * DAY_MS));
    chmodSync(join(stack.certs, 'server.key'), 0o600);
    await assertRefused(/ERROR: UID 65532, which Obex runs as, cannot read \/certs\/server\.key\./);
  });

  it('serves a certificate, and its successor, without a request lost', async (t) => {
    await prepare({ TLS_MODE: 'provided' });
    provide('first', new Date(Date.now() + 90 * DAY_MS));
    await stack.compose('up', '--detach', 'obex-mariadb', 'mcp-mariadb', 'dev-idp');
    trustCertificateIn(stack.certs);
    await untilReady(MARIADB);
    assert.equal(await servedName(), 'first');
    const resource = `${MARIADB}/mcp`;
    const load = startLoad(resource, await fetchToken(resource));

    provide('second', new Date(Date.now() + 90 * DAY_MS));
    await until('the new certificate', async () => (await servedName()) === 'second' || undefined);

    const { answered, refused, unanswered, wrong } = await load.stop();
    t.diagnostic(`${answered} requests answered over the renewal`);
    assert.deepEqual({ refused, unanswered, wrong }, { refused: 0, unanswered: 0, wrong: [] });
    assert.ok(answered > 0);
    const events = await logEvents(stack, 'obex-mariadb');
    assert.equal(events.filter(({ event }) => event === 'certificate_reloaded').length, 1);
  });
});

describe('TLS_MODE=external', () => {
  it('keeps Obex from starting while Obex itself would serve TLS', async () => {
    await prepare({ TLS_MODE: 'external', OBEX_TLS_ENABLED: 'true' });
    await assertRefused(/ERROR: TLS_MODE=external but TLS is still enabled in Obex/);
  });

  it('serves plain HTTP', async () => {
    await prepare({ TLS_MODE: 'external', OBEX_TLS_ENABLED: 'false' });
    await stack.compose('up', '--detach', ...BOTH);
    for (const port of [8443, 8444]) await untilStatus(`http://localhost:${port}/health`, 200);
  });
});

describe('TLS_MODE', () => {
  it('keeps Obex from starting with plain HTTP where it says otherwise', async () => {
    await prepare({ TLS_MODE: 'self-signed', OBEX_TLS_ENABLED: 'false' });
    await assertRefused(/ERROR: TLS_MODE=self-signed but TLS is off in Obex/);
  });

  it('keeps Obex from starting when it is no such mode', async () => {
    await prepare({ TLS_MODE: 'sometimes' });
    await assertRefused(/TLS_MODE: expected self-signed, provided or external, got "sometimes"/);
  });
});
