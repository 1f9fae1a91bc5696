/** Certificate files that cannot be used: what is said names the key, the file and what is wrong. */
import assert from 'node:assert/strict';
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readAssertionKey } from '../../../src/compose/files.ts';
import { readAuthorities } from '../../../src/compose/named-file.ts';
import { buildTls } from '../../../src/compose/tls.ts';
import { createCertificate } from '../../support/certificate.ts';
import { parseConfig } from '../../support/obex.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

interface Files {
  /** Contents; `undefined` = there is no such file. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/** A config with these files, and the folder that they are in. */
function configure(context: TestContext, files: Files) {
  const folder = createTempFolder('composed-files');
  context.after(() => folder.remove());
  const paths = { cert: join(folder.path, 'server.crt'), key: join(folder.path, 'server.key') };
  if (files.cert !== undefined) writeFileSync(paths.cert, files.cert);
  if (files.key !== undefined) writeFileSync(paths.key, files.key);
  const config = parseConfig(`obex:
  public_url: "https://tool.example"
  tls: { enabled: true, cert_file: "${paths.cert}", key_file: "${paths.key}" }
backend: { url: "https://backend.example" }
resource: { url: "https://tool.example/mcp" }
`);
  return { config, paths, folder: folder.path };
}

/** What is said of these files. */
function refusal(context: TestContext, files: Files): string {
  const { config, folder } = configure(context, files);
  return messageOf(() => buildTls(config)).replaceAll(folder, '…');
}

function messageOf(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    return String(error).replace(/^Error: /, '');
  }
  return assert.fail('the files were accepted');
}

const JUNK = 'this is no certificate\n';
const GARBLED = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

describe('obex.tls', () => {
  it('takes a certificate and its key', (context) => {
    const pair = createCertificate('a');
    assert.deepEqual(buildTls(configure(context, pair).config), pair);
  });

  it('is not looked at when it is off', (context) => {
    const { config } = configure(context, { cert: undefined, key: undefined });
    const off = { ...config, obex: { ...config.obex, tls: { ...config.obex.tls, enabled: false } } };
    assert.equal(buildTls(off), undefined);
  });

  const broken: Readonly<Record<string, readonly [change: (pair: Files, other: Files) => Files, problem: string]>> = {
    'a certificate that is missing': [
      ({ key }) => ({ cert: undefined, key }),
      'obex.tls.cert_file: cannot read …/server.crt (ENOENT); check the path and that this user may read it',
    ],
    'a key that is missing': [
      ({ cert }) => ({ cert, key: undefined }),
      'obex.tls.key_file: cannot read …/server.key (ENOENT); check the path and that this user may read it',
    ],
    'garbage for a certificate': [
      ({ key }) => ({ cert: JUNK, key }),
      'obex.tls.cert_file: …/server.crt holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")',
    ],
    'garbage for a key': [
      ({ cert }) => ({ cert, key: JUNK }),
      'obex.tls.key_file: …/server.key holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")',
    ],
    'two files that are swapped': [
      ({ cert, key }) => ({ cert: key, key: cert }),
      'obex.tls.cert_file: …/server.crt holds a private key and no certificate; has it been taken for the key file?',
    ],
    'the certificate twice': [
      ({ cert }) => ({ cert, key: cert }),
      'obex.tls.key_file: …/server.key holds a certificate and no private key; has it been taken for the certificate file?',
    ],
    'the key of another certificate': [
      ({ cert }, { key }) => ({ cert, key }),
      'obex.tls.key_file: …/server.key does not belong to the certificate in obex.tls.cert_file',
    ],
    'a key under a passphrase': [
      ({ cert, key }) => ({ cert, key: encrypt(key ?? '') }),
      'obex.tls.key_file: …/server.key is encrypted; write the key without a passphrase ("openssl pkey -in FILE -out FILE")',
    ],
    'a chain that breaks off behind the first certificate': [
      ({ cert, key }) => ({ cert: `${cert}${GARBLED}`, key }),
      'obex.tls.cert_file: …/server.crt holds 2 certificates, of which number 2 is garbled',
    ],
    'the key of a certificate further down': [
      ({ cert }, other) => ({ cert: `${cert}${other.cert}`, key: other.key }),
      'obex.tls.key_file: …/server.key does not belong to the certificate in obex.tls.cert_file; it belongs to number 2 there: put that one first',
    ],
    'two certificates without a line break between': [
      ({ cert, key }, other) => ({ cert: `${cert?.trimEnd()}${other.cert}`, key }),
      'obex.tls.cert_file: …/server.crt has "-----END CERTIFICATE-----" within a line; it must be a line of its own',
    ],
  };
  for (const [name, [change, problem]] of Object.entries(broken)) {
    it(`refuses ${name}`, (context) => {
      const files = change(createCertificate('a'), createCertificate('b'));
      assert.equal(refusal(context, files), problem);
    });
  }
});

describe('ca_file', () => {
  const key = 'backend.tls.ca_file';

  it('refuses garbage: with no authority at all every peer would be refused', (context) => {
    const { paths } = configure(context, { cert: JUNK, key: undefined });
    assert.equal(
      messageOf(() => readAuthorities({ key, path: paths.cert })),
      `backend.tls.ca_file: ${paths.cert} holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")`,
    );
  });

  it('refuses a bundle of which a part is garbled: OpenSSL would trust what comes before, and nothing after', (context) => {
    const { cert } = createCertificate('a');
    const { paths } = configure(context, { cert: `${cert}${GARBLED}${cert}`, key: undefined });
    assert.equal(
      messageOf(() => readAuthorities({ key, path: paths.cert })),
      `backend.tls.ca_file: ${paths.cert} holds 3 certificates, of which number 2 is garbled`,
    );
  });

  it('takes a bundle, and nothing for the public authorities', (context) => {
    const pair = createCertificate('a');
    const { paths } = configure(context, pair);
    assert.equal(readAuthorities({ key, path: paths.cert }), pair.cert);
    assert.equal(readAuthorities({ key, path: '' }), undefined);
  });
});

function encrypt(key: string): string {
  const passphrase = 'secret';
  return createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });
}

describe('backend.assertion.key_file', () => {
  /** What is said of a key file with this content. */
  function keyRefusal(context: TestContext, content: string | undefined): string {
    const { config, paths, folder } = configure(context, { cert: undefined, key: content });
    const [server] = config.servers;
    const assertion = { ...server.backend.assertion, enabled: true, key_file: paths.key };
    const enabled = { ...server, backend: { ...server.backend, assertion } };
    return messageOf(() => readAssertionKey(enabled, undefined)).replaceAll(folder, '…');
  }
  const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' });
  const unfit =
    'backend.assertion.key_file: …/server.key holds a key that cannot sign assertions; ' +
    'take EC P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits';

  const cases: Readonly<Record<string, readonly [content: string | undefined, problem: string]>> = {
    'is not there': [
      undefined,
      'backend.assertion.key_file: cannot read …/server.key (ENOENT); check the path and that this user may read it',
    ],
    'is a certificate': [
      createCertificate('a').cert,
      'backend.assertion.key_file: …/server.key holds a certificate and no private key; has it been taken for the certificate file?',
    ],
    'is on another curve': [pemOf(generateKeyPairSync('ec', { namedCurve: 'P-521' }).privateKey), unfit],
    'is Ed448': [pemOf(generateKeyPairSync('ed448').privateKey), unfit],
    'is too weak': [pemOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey), unfit],
    'is for RSA-PSS alone': [pemOf(generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey), unfit],
  };
  for (const [what, [content, problem]] of Object.entries(cases)) {
    it(`is refused when it ${what}`, (context) => assert.equal(keyRefusal(context, content), problem));
  }

  it('empty: the key that was made stays, and one of a file does not take its place', () => {
    const { servers } = parseConfig(`obex: { public_url: "https://tool.example" }
backend: { url: "https://backend.example", assertion: { enabled: true } }
resource: { url: "https://tool.example/mcp" }
idp: { issuer: "https://idp.example" }
`);
    const made = readAssertionKey(servers[0], undefined);
    assert.deepEqual(readAssertionKey(servers[0], made), made);
    assert.notEqual(readAssertionKey(servers[0], { pem: 'of a file', isMade: false })?.pem, 'of a file');
  });
});
