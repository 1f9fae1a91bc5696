/** Certificates and keys in PEM form: what else was found where one was expected. RFC 7468. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** At least one: of a server's, its own comes first. */
export type Certificates = readonly [X509Certificate, ...X509Certificate[]];

const BEGIN = '-----BEGIN CERTIFICATE-----';
const BOUNDARY = /-----(?:BEGIN|END) [A-Z0-9 ]+-----/;
const CERTIFICATE = /-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----.*?-----END \1-----/gs;

/** All certificates of a PEM text, or what is wrong with it, to be written behind the name of the file. */
export function parseCertificates(pem: string): Certificates | string {
  const boundary = pem
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .find(isMisplaced);
  // OpenSSL takes such a block, and all that come after it, for prose.
  if (boundary !== undefined)
    return `has "${BOUNDARY.exec(boundary)?.[0]}" within a line; it must be a line of its own`;
  const blocks = pem.match(CERTIFICATE) ?? [];
  const begun = pem.match(/-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----/g) ?? [];
  if (begun.length > blocks.length) return `has a "${BEGIN}" without its end`;
  const parsed = blocks.map(parseBlock);
  const garbled = parsed.indexOf(undefined);
  if (garbled >= 0 && blocks.length > 1)
    return `holds ${blocks.length} certificates, of which number ${garbled + 1} is garbled`;
  const [first, ...others] = parsed.filter((certificate) => certificate !== undefined);
  if (first !== undefined) return [first, ...others];
  if (garbled >= 0) return 'holds a certificate that is garbled';
  return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)
    ? 'holds a private key and no certificate; has it been taken for the key file?'
    : `holds no certificate in PEM form ("${BEGIN}")`;
}

function isMisplaced(line: string): boolean {
  const found = BOUNDARY.exec(line);
  return found !== null && line.trimEnd() !== found[0];
}

function parseBlock(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}

/** The key of a PEM text, or what is wrong with it, to be written behind the name of the file. */
export function parsePrivateKey(pem: string): KeyObject | string {
  try {
    return createPrivateKey(pem);
  } catch {
    return whyNoKey(pem);
  }
}

function whyNoKey(pem: string): string {
  if (/-----BEGIN ENCRYPTED|^Proc-Type: 4,ENCRYPTED/m.test(pem)) {
    return 'is encrypted; write the key without a passphrase ("openssl pkey -in FILE -out FILE")';
  }
  if (pem.includes(BEGIN)) {
    return 'holds a certificate and no private key; has it been taken for the certificate file?';
  }
  return 'holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")';
}
