/** TLS_MODE=self-signed: what is made, when it is renewed, and what is never overwritten. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { MadePair } from '../../../src/certs/make-certificate.ts';
import { CertsFolder, DAY_MS } from './folder.ts';

const isRoot = process.getuid?.() === 0;

const forHost = (host: string) => ({ TLS_MODE: 'self-signed', SERVER_IP: host });
const ENV = forHost('10.0.0.5');

const KEPT = {
  code: 0,
  stdout: 'Self-signed certificate kept: …/server.crt for 10.0.0.5, localhost, 127.0.0.1, valid until 2036-03-01.\n',
  stderr: '',
};

/** Which names a certificate is said to be for. */
function namesIn(stdout: string): string | undefined {
  return / for (.+), valid until /.exec(stdout)?.[1];
}

/** A folder in which a certificate for 10.0.0.5 was just made. */
function made(context: TestContext): { folder: CertsFolder; pair: MadePair } {
  const folder = new CertsFolder(context);
  assert.equal(folder.certs(ENV).code, 0);
  return { folder, pair: folder.pair() };
}

/** Asserts that there is a new pair now, and that it matches. */
function assertRenewed(folder: CertsFolder, before: MadePair): X509Certificate {
  const { cert, key } = folder.pair();
  const certificate = new X509Certificate(cert);
  assert.notEqual(cert, before.cert);
  assert.notEqual(key, before.key);
  assert.ok(certificate.checkPrivateKey(folder.privateKey()));
  assert.deepEqual(readdirSync(folder.path).toSorted(), ['server.crt', 'server.key']);
  return certificate;
}

/** The object identifier of the extension, 2.5.29.15. RFC 5280 §4.2.1.3. */
const KEY_USAGE = Buffer.from('0603551d0f', 'hex');

describe('the certificate', () => {
  it('is made for SERVER_IP, localhost and 127.0.0.1, for ten years, and for nothing but serving', (context) => {
    const folder = new CertsFolder(context);
    assert.deepEqual(folder.certs(ENV), {
      code: 0,
      stdout:
        'Self-signed certificate made: …/server.crt for 10.0.0.5, localhost, 127.0.0.1, valid until 2036-03-01 (there was none).\n' +
        '  Clients that run on Node trust it with NODE_EXTRA_CA_CERTS=…/server.crt\n',
      stderr: '',
    });
    const certificate = new X509Certificate(folder.read('server.crt'));
    assert.equal(certificate.subjectAltName, 'IP Address:10.0.0.5, DNS:localhost, IP Address:127.0.0.1');
    assert.equal(certificate.validFromDate.toISOString(), '2026-03-01T11:00:00.000Z');
    assert.equal(certificate.validToDate.toISOString(), '2036-03-01T12:00:00.000Z');
    assert.equal(certificate.ca, false);
    assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1'], 'serverAuth');
    assert.ok(
      !certificate.raw.includes(KEY_USAGE),
      'Claude Code 2.1.197 and opencode 1.18 refuse digitalSignature alone',
    );
    assert.match(certificate.serialNumber, /^[0-9A-F]{16,32}$/);
    assert.ok(certificate.verify(certificate.publicKey));
    assert.ok(certificate.checkPrivateKey(folder.privateKey()));
  });

  it('takes names and IPv6 addresses in any form, each once', (context) => {
    const names: Readonly<Record<string, string>> = {
      'tool.example': 'DNS:tool.example, DNS:localhost, IP Address:127.0.0.1',
      my_server: 'DNS:my_server, DNS:localhost, IP Address:127.0.0.1',
      localhost: 'DNS:localhost, IP Address:127.0.0.1',
      '': 'DNS:localhost, IP Address:127.0.0.1',
      '127.0.0.1': 'IP Address:127.0.0.1, DNS:localhost',
      '2001:DB8::a:1': 'IP Address:2001:DB8:0:0:0:0:A:1, DNS:localhost, IP Address:127.0.0.1',
      '::': 'IP Address:0:0:0:0:0:0:0:0, DNS:localhost, IP Address:127.0.0.1',
      '1:2:3:4:5:6:7:8': 'IP Address:1:2:3:4:5:6:7:8, DNS:localhost, IP Address:127.0.0.1',
      '::ffff:1.2.3.4': 'IP Address:0:0:0:0:0:FFFF:102:304, DNS:localhost, IP Address:127.0.0.1',
    };
    for (const [host, subjectAltName] of Object.entries(names)) {
      const folder = new CertsFolder(context);
      const first = folder.certs(forHost(host));
      assert.equal(first.code, 0);
      const pair = folder.pair();
      assert.equal(new X509Certificate(pair.cert).subjectAltName, subjectAltName);
      const { stdout } = folder.certs(forHost(host));
      assert.equal(namesIn(stdout), namesIn(first.stdout));
      assert.deepEqual(folder.pair(), pair, `the one for "${host}" is kept`);
    }
  });

  it('is written with a year of four digits from 2050 on, as RFC 5280 §4.1.2.5 asks', (context) => {
    const folder = new CertsFolder(context);
    folder.clock.advance(Date.UTC(2045, 0, 1) - folder.clock.nowMs());
    assert.equal(folder.certs(ENV).code, 0);
    const { validToDate } = new X509Certificate(folder.read('server.crt'));
    assert.equal(validToDate.toISOString(), '2055-01-01T00:00:00.000Z');
  });

  it('has a key that only Obex may read', (context) => {
    const { folder } = made(context);
    const { mode, uid } = statSync(folder.file('server.key'));
    assert.equal(mode & 0o777, 0o400);
    assert.equal(uid, isRoot ? 65_532 : process.getuid?.());
    assert.equal(statSync(folder.file('server.crt')).mode & 0o777, 0o644);
    chmodSync(folder.file('server.key'), 0o644);
    assert.deepEqual(folder.certs(ENV), KEPT);
    assert.equal(statSync(folder.file('server.key')).mode & 0o777, 0o400, 'also when it is kept');
  });

  it('is put into a folder that did not exist', (context) => {
    const folder = new CertsFolder(context);
    assert.equal(folder.certs(ENV, folder.file('a/b')).code, 0);
    assert.ok(existsSync(folder.file('a/b/server.crt')));
  });
});

describe('is kept while it is good, else renewed:', () => {
  it('30 days before its end, not earlier', (context) => {
    const { folder, pair } = made(context);
    const left = Date.UTC(2036, 2, 1, 12) - folder.clock.nowMs();
    folder.clock.advance(left - 30 * DAY_MS);
    assert.deepEqual(folder.certs(ENV), KEPT);
    assert.deepEqual(folder.pair(), pair);
    folder.clock.advance(1);
    assert.match(folder.certs(ENV).stdout, /valid until 2046-01-31 \(the one before ends on 2036-03-01\)/);
    assertRenewed(folder, pair);
  });

  it('for another SERVER_IP', (context) => {
    const { folder, pair } = made(context);
    assert.match(folder.certs(forHost('10.0.0.6')).stdout, /\(the one before was for another SERVER_IP\)/);
    assert.ok(assertRenewed(folder, pair).checkIP('10.0.0.6'));
  });

  it('when it was made while the clock was ahead', (context) => {
    const { folder, pair } = made(context);
    folder.clock.advance(-DAY_MS);
    assert.match(folder.certs(ENV).stdout, /\(the one before is not valid yet\)/);
    assertRenewed(folder, pair);
  });

  it('when an earlier version has made it, with a key usage for which some clients refuse it', (context) => {
    const folder = new CertsFolder(context);
    folder.clock.advance(Date.now() - folder.clock.nowMs());
    const names = ['-subj', '/CN=Obex self-signed certificate', '-addext', 'subjectAltName=IP:10.0.0.5'];
    const usage = ['-addext', 'keyUsage=critical,digitalSignature', '-addext', 'basicConstraints=critical,CA:FALSE'];
    const files = ['-keyout', folder.file('server.key'), '-out', folder.file('server.crt')];
    const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3650'];
    execFileSync('openssl', ['req', ...kind, ...names, ...usage, ...files], { stdio: 'ignore' });
    const before = folder.pair();
    assert.ok(new X509Certificate(before.cert).raw.includes(KEY_USAGE));
    assert.match(folder.certs(ENV).stdout, /\(the one before has a key usage for which some clients refuse it\)/);
    assert.ok(!assertRenewed(folder, before).raw.includes(KEY_USAGE));
    assert.match(folder.certs(ENV).stdout, /^Self-signed certificate kept/);
  });

  it('when its key is missing', (context) => {
    const { folder, pair } = made(context);
    rmSync(folder.file('server.key'));
    assert.match(folder.certs(ENV).stdout, /\(its key was missing\)/);
    assertRenewed(folder, pair);
  });
});

describe('a renewal that was cut off', () => {
  it('between certificate and key is finished by the next run', (context) => {
    const { folder, pair: old } = made(context);
    folder.certs(forHost('10.0.0.6'));
    const renewed = folder.pair();
    renameSync(folder.file('server.key'), folder.file('server.key.obex-new'));
    writeFileSync(folder.file('server.key'), old.key);
    assert.match(folder.certs(forHost('10.0.0.6')).stdout, /^Self-signed certificate kept/);
    assert.deepEqual(folder.pair(), renewed);
    assertRenewed(folder, old);
  });

  it('before either was in its place is begun anew, and leaves nothing behind', (context) => {
    const { folder, pair } = made(context);
    writeFileSync(folder.file('server.key.obex-new'), 'half a k', { mode: 0o400 });
    assert.deepEqual(folder.certs(ENV), KEPT);
    writeFileSync(folder.file('server.crt.obex-new'), 'half a c');
    folder.certs(forHost('10.0.0.6'));
    assertRenewed(folder, pair);
  });
});

describe('never overwrites', () => {
  const cure =
    '  Nothing is overwritten. Set TLS_MODE=provided to use files of your own; or move server.crt and server.key away, and new ones are made.\n';
  const cases: Readonly<Record<string, readonly [(own: MadePair, other: MadePair) => Partial<MadePair>, string]>> = {
    'a certificate that it did not make': [(_own, other) => other, '…/server.crt was not made by "obex certs"'],
    'a certificate that it did not make, without a key': [
      (_own, { cert }) => ({ cert }),
      '…/server.crt was not made by "obex certs"',
    ],
    'a key without a certificate': [(_own, { key }) => ({ key }), '…/server.key has no certificate beside it'],
    'a key that is not of its certificate': [
      ({ cert }, { key }) => ({ cert, key }),
      '…/server.key does not belong to …/server.crt',
    ],
    'what it cannot read as a key': [
      ({ cert }) => ({ cert, key: 'junk' }),
      '…/server.key holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")',
    ],
    'what it cannot read as a certificate': [
      ({ key }) => ({ cert: 'junk', key }),
      '…/server.crt holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")',
    ],
  };
  for (const [what, [mix, message]] of Object.entries(cases)) {
    it(what, (context) => {
      const { pair: own } = made(context);
      const folder = new CertsFolder(context);
      const files = mix(own, folder.foreignPair());
      folder.write(files);
      assert.deepEqual(folder.certs(ENV), { code: 1, stdout: '', stderr: `ERROR: ${message}\n${cure}` });
      const names = Object.entries({ 'server.crt': files.cert, 'server.key': files.key });
      for (const [name, text] of names) assert.equal(existsSync(folder.file(name)) && folder.read(name), text ?? false);
    });
  }

  it('and says so where it cannot write', (context) => {
    const folder = new CertsFolder(context);
    writeFileSync(folder.file('file'), '');
    assert.deepEqual(folder.certs(ENV, folder.file('file/certs')), {
      code: 1,
      stdout: '',
      stderr:
        "ERROR: The certificate cannot be kept in …/file/certs: ENOTDIR: not a directory, mkdir '…/file/certs'.\n" +
        '  Run it as root, or as UID 65532 with a folder that belongs to it.\n',
    });
  });
});
