/** Certificate files of the config, read and tried: whatever is wrong names key, file and cure. RFC 7468 (PEM). */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Config } from './config/schema.ts';
import type { ServerTls } from './wire/exchange.ts';
import { formatTlsOptions } from './wire/tls-options.ts';

/** A file and the config key that names it. */
interface NamedFile {
  readonly key: string;
  readonly path: string;
}

type TlsConfig = Config['obex']['tls'];

/** The certificate files as texts: plain data, read once for all threads. */
export interface RuntimeFiles {
  readonly tls: ServerTls | undefined;
  readonly backendCa: string | undefined;
}

export function readRuntimeFiles(config: Config): RuntimeFiles {
  return {
    tls: buildTls(config),
    backendCa: readAuthorities({ key: 'backend.tls.ca_file', path: config.backend.tls.ca_file }),
  };
}

/** Certificate and key of the listener. Throws an error that a person can act on, as all functions here do. */
export function buildTls({ obex }: Config): ServerTls | undefined {
  if (!obex.tls.enabled) return undefined;
  const { cert, certificate } = readCertificate(obex.tls);
  const { key, privateKey } = readPrivateKey(obex.tls);
  const { cert_file: certFile, key_file: keyFile, min_version: minVersion } = obex.tls;
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`obex.tls.key_file: ${keyFile} does not belong to the certificate in obex.tls.cert_file`);
  }
  const tls: ServerTls = { cert, key, minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2' };
  const problem = opensslProblem(tls);
  if (problem !== undefined) throw new Error(`obex.tls.cert_file: OpenSSL refuses ${certFile}: ${problem}`);
  return tls;
}

export function readCertificate({ cert_file: path }: TlsConfig) {
  const file = { key: 'obex.tls.cert_file', path };
  const cert = readNamedFile(file);
  return { cert, certificate: parseCertificate(file, cert) };
}

export function readPrivateKey({ key_file: path }: TlsConfig) {
  const file = { key: 'obex.tls.key_file', path };
  const key = readNamedFile(file);
  return { key, privateKey: parsePrivateKey(file, key) };
}

/** A PEM bundle of certificate authorities; undefined for the empty path, which stands for the public ones. */
export function readAuthorities(file: NamedFile): string | undefined {
  if (file.path === '') return undefined;
  const pem = readNamedFile(file);
  parseCertificate(file, pem);
  return pem;
}

function readNamedFile({ key, path }: NamedFile): string {
  let code: unknown = 'unreadable';
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error) ({ code } = error);
  }
  throw new Error(`${key}: cannot read ${path} (${String(code)}); check the path and that this user may read it`);
}

/** The first certificate of a PEM file, the one that is shown to the other side. */
function parseCertificate({ key, path }: NamedFile, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    const found = /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)
      ? 'holds a private key and no certificate; has it been taken for the key file?'
      : 'holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")';
    throw new Error(`${key}: ${path} ${found}`);
  }
}

function parsePrivateKey({ key, path }: NamedFile, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new Error(`${key}: ${path} ${whyNoKey(pem)}`);
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

/** What the TLS library itself would say at the first connection: of `error:0A00018F:SSL routines::ee key too small` the end. */
function opensslProblem(tls: ServerTls): string | undefined {
  try {
    process.getBuiltinModule('node:tls').createSecureContext(formatTlsOptions(tls));
    return undefined;
  } catch (error) {
    return String(error).split(':').at(-1);
  }
}
