/** Certificates and keys in PEM form: what else was found where one was expected. RFC 7468. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** The first certificate of a PEM text, or what is wrong with it, to be written behind the name of the file. */
export function parseCertificate(pem: string): X509Certificate | string {
  try {
    return new X509Certificate(pem);
  } catch {
    return /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)
      ? 'holds a private key and no certificate; has it been taken for the key file?'
      : 'holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")';
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
  if (pem.includes('-----BEGIN CERTIFICATE-----')) {
    return 'holds a certificate and no private key; has it been taken for the certificate file?';
  }
  return 'holds no private key in PEM form ("-----BEGIN PRIVATE KEY-----")';
}
