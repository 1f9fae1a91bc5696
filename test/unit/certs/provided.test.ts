/** TLS_MODE=provided: what is said of somebody's files, and that they are left as they are. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { MadePair } from '../../../src/certs/make-certificate.ts';
import { CertsFolder, type Outcome } from './folder.ts';

const PROVIDED = { TLS_MODE: 'provided' };

/** Runs over a pair of these days, changed by `change`, in a folder that everybody may enter. */
function check(
  context: TestContext,
  days: { from?: number; to?: number },
  change: (pair: MadePair, folder: CertsFolder) => Partial<MadePair> = (pair) => pair,
): Outcome {
  const folder = new CertsFolder(context);
  chmodSync(folder.path, 0o755);
  const files = change(folder.foreignPair(days), folder);
  folder.write(files);
  const outcome = folder.certs(PROVIDED);
  for (const [name, text] of [
    ['server.crt', files.cert],
    ['server.key', files.key],
  ] as const) {
    if (text !== undefined) assert.equal(folder.read(name), text);
  }
  return outcome;
}

const refused = (message: string, cure: string): Outcome => ({
  code: 1,
  stdout: '',
  stderr: `ERROR: ${message}\n  ${cure}\n`,
});

describe('TLS_MODE=provided', () => {
  it('accepts a pair that is good for more than 30 days', (context) => {
    const fine = { code: 0, stdout: 'Provided certificate OK.\n', stderr: '' };
    assert.deepEqual(check(context, {}), fine);
    assert.deepEqual(check(context, { to: 30 }), fine, 'exactly 30 days');
  });

  it('warns of one with less, and lets Obex start', (context) => {
    const stderr =
      'WARNING: Provided certificate expires within 30 days.\n' +
      '  It ends on 2026-03-30. Put a new one into …/server.crt, with its private key in …/server.key.\n';
    assert.deepEqual(check(context, { to: 29 }), { code: 0, stdout: '', stderr });
  });

  it('refuses one that has expired, to the second', (context) => {
    const cure = 'Put a new one into …/server.crt, with its private key in …/server.key.';
    const expired = 'Provided certificate has already expired.';
    assert.deepEqual(check(context, { to: -0.5 }), refused(expired, `It ended on 2026-03-01. ${cure}`));
    assert.deepEqual(check(context, { to: 0 }), refused(expired, `It ended on 2026-03-01. ${cure}`));
  });

  it('refuses one that is not valid yet', (context) => {
    const cure =
      'It begins on 2026-03-03. Is the clock of this machine right? Else put one into …/server.crt that is valid now.';
    assert.deepEqual(check(context, { from: 2 }), refused('Provided certificate is not valid yet.', cure));
  });

  const missing = refused(
    'TLS_MODE=provided but certificate files not found.',
    'Put the certificate into …/server.crt and its private key into …/server.key.',
  );
  for (const [what, pick] of Object.entries<(pair: MadePair) => Partial<MadePair>>({
    'both files': () => ({}),
    'the certificate': ({ key }) => ({ key }),
    'the key': ({ cert }) => ({ cert }),
  })) {
    it(`asks for ${what} if missing`, (context) => assert.deepEqual(check(context, {}, pick), missing));
  }

  it('refuses a key of another certificate', (context) => {
    const cure = 'Both must be of one pair; of several certificates in the file, that of the server comes first.';
    const mixed = check(context, {}, ({ cert }, folder) => {
      const { key } = folder.foreignPair();
      return { cert, key };
    });
    assert.deepEqual(mixed, refused('…/server.key does not belong to the certificate in …/server.crt.', cure));
  });

  it('tells what else is in a file', (context) => {
    const cases: readonly [(pair: MadePair) => MadePair, string, string][] = [
      [
        ({ key }) => ({ cert: 'junk', key }),
        '…/server.crt holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")',
        'server.crt',
      ],
      [
        ({ cert, key }) => ({ cert: key, key: cert }),
        '…/server.crt holds a private key and no certificate; has it been taken for the key file?',
        'server.crt',
      ],
      [
        ({ cert }) => ({ cert, key: cert }),
        '…/server.key holds a certificate and no private key; has it been taken for the certificate file?',
        'server.key',
      ],
      [
        ({ cert }) => ({ cert, key: '' }),
        '…/server.key holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")',
        'server.key',
      ],
    ];
    for (const [change, message, file] of cases) {
      const cure = `Put a PEM file into …/${file} that this user may read.`;
      assert.deepEqual(check(context, {}, change), refused(message, cure));
    }
  });

  it('refuses what is no file at all', (context) => {
    const folder = new CertsFolder(context);
    const { cert } = folder.foreignPair();
    folder.write({ cert });
    mkdirSync(folder.file('server.key'));
    assert.deepEqual(
      folder.certs(PROVIDED),
      refused('…/server.key cannot be read (EISDIR)', 'Put a PEM file into …/server.key that this user may read.'),
    );
  });

  it('refuses what OpenSSL will not serve with', (context) => {
    const weak = check(context, {}, (_pair, folder) => {
      const key = folder.file('server.key');
      const cert = folder.file('server.crt');
      const subject = ['-newkey', 'rsa:512', '-nodes', '-subj', '/CN=weak', '-days', '9999'];
      execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
      folder.clock.advance(Date.now() - folder.clock.nowMs());
      return folder.pair();
    });
    const cure = 'Put a new one into …/server.crt, with its private key in …/server.key.';
    assert.deepEqual(weak, refused('OpenSSL refuses the provided certificate: ee key too small.', cure));
  });

  describe('whether UID 65532 could read the key', () => {
    const isRoot = process.getuid?.() === 0;
    const cases: readonly [owner: readonly [number, number], mode: number, folderMode: number, may: boolean][] = [
      [[65532, 0], 0o400, 0o755, true],
      [[65532, 0], 0o044, 0o755, false],
      [[0, 65532], 0o640, 0o755, true],
      [[0, 65532], 0o604, 0o755, false],
      [[0, 0], 0o600, 0o755, false],
      [[0, 0], 0o644, 0o755, true],
      [[65532, 0], 0o400, 0o700, false],
    ];
    for (const [[uid, gid], mode, folderMode, may] of cases) {
      const title = `owner ${uid}:${gid}, mode ${mode.toString(8)}, folder ${folderMode.toString(8)}: ${may ? 'yes' : 'no'}`;
      it(title, { skip: !isRoot && 'needs root to give files away' }, (context) => {
        const folder = new CertsFolder(context);
        folder.write(folder.foreignPair());
        chownSync(folder.file('server.key'), uid, gid);
        chmodSync(folder.file('server.key'), mode);
        chmodSync(folder.path, folderMode);
        // A folder that cannot be entered hides the certificate too.
        const hidden = folderMode === 0o700 ? '…/server.crt and …/server.key' : '…/server.key';
        const stderr = may ? '' : formatAccessWarning(hidden);
        assert.deepEqual(folder.certs(PROVIDED), { code: 0, stdout: 'Provided certificate OK.\n', stderr });
      });
    }

    it('nor the certificate: it is named', { skip: !isRoot && 'needs root to give files away' }, (context) => {
      const folder = new CertsFolder(context);
      folder.write(folder.foreignPair());
      chownSync(folder.file('server.key'), 65532, 0);
      chmodSync(folder.file('server.key'), 0o400);
      chmodSync(folder.file('server.crt'), 0o600);
      chmodSync(folder.path, 0o755);
      const stderr = formatAccessWarning('…/server.crt');
      assert.deepEqual(folder.certs(PROVIDED), { code: 0, stdout: 'Provided certificate OK.\n', stderr });
    });
  });
});

function formatAccessWarning(files: string): string {
  return (
    `WARNING: UID 65532, which Obex runs as in its container, cannot read ${files}.\n` +
    '  Only if Obex is to run in its container: chmod 755 … && chown 65532 …/server.crt …/server.key && ' +
    'chmod 400 …/server.key && chmod 644 …/server.crt\n'
  );
}
