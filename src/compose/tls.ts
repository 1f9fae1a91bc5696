/** Config → the listener's certificate, read and tried, and what clients will have against it. */
import { type JudgedFault, judgeCertificates, ownerOf } from '../certs/judge-certificates.ts';
import type { Config } from '../config/schema.ts';
import { parseCertificates, parsePrivateKey } from '../lib/pem.ts';
import type { Observers } from '../observe/observers.ts';
import { readTextFile } from '../read-text-file.ts';
import type { ServerTls } from '../wire/exchange.ts';
import { opensslProblem } from '../wire/tls-options.ts';
import { parseNamedFile, readAuthorities, readNamedFile } from './named-file.ts';

type TlsConfig = Config['obex']['tls'];

/** Certificate and key of the listener. Throws an error that a person can act on, as all functions here do. */
export function buildTls({ obex }: Config): ServerTls | undefined {
  if (!obex.tls.enabled) return undefined;
  const { cert, certificates } = readCertificates(obex.tls);
  const { key, privateKey } = readPrivateKey(obex.tls);
  const { cert_file: certFile, key_file: keyFile, min_version: minVersion, client_auth: clientAuth } = obex.tls;
  const owner = ownerOf(privateKey, certificates);
  if (owner !== 1) {
    const cure = owner === 0 ? '' : `; it belongs to number ${owner} there: put that one first`;
    throw new Error(`obex.tls.key_file: ${keyFile} does not belong to the certificate in obex.tls.cert_file${cure}`);
  }
  const clients = clientAuth === 'off' ? undefined : { ca: readClientAuthorities(obex.tls) };
  const tls: ServerTls = { cert, key, minVersion: minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2', clients };
  const problem = opensslProblem(tls);
  if (problem !== undefined) throw new Error(`obex.tls.cert_file: OpenSSL refuses ${certFile}: ${problem}`);
  return tls;
}

/** The authorities that vouch for clients; undefined = nobody needs to. OpenSSL follows a chain to a root, and takes no other. */
export function readClientAuthorities({ client_ca_file: path }: TlsConfig): string | undefined {
  const file = { key: 'obex.tls.client_ca_file', path };
  const pem = readAuthorities(file);
  if (pem === undefined) return undefined;
  const certificates = parseNamedFile(file, pem, parseCertificates);
  const orphan = certificates.find((one) => !certificates.some((issuer) => one.checkIssued(issuer)));
  if (orphan === undefined) return pem;
  const number = certificates.indexOf(orphan) + 1;
  throw new Error(
    `${file.key}: ${path} holds certificate number ${number} without that of its issuer; add it, up to the root`,
  );
}

export function readCertificates({ cert_file: path }: TlsConfig) {
  const file = { key: 'obex.tls.cert_file', path };
  const cert = readNamedFile(file, readTextFile);
  return { cert, certificates: parseNamedFile(file, cert, parseCertificates) };
}

/** What clients will have against the certificates in use, which is no reason not to start: the clock may be wrong. */
export function judgeTls({ obex }: Config, { cert }: ServerTls, nowMs: number): readonly JudgedFault[] {
  const certificates = parseCertificates(cert);
  if (typeof certificates === 'string') return [];
  return judgeCertificates(certificates, { host: obex.public_url.hostname.replace(/^\[|\]$/g, ''), nowMs });
}

/** Says so in the log, at start and at each reload. */
export function warnOfCertificates(
  config: Config,
  { tls }: { readonly tls: ServerTls | undefined },
  { clock, log }: Observers,
): void {
  if (tls === undefined) return;
  const file = config.obex.tls.cert_file;
  for (const { fault, problem } of judgeTls(config, tls, clock.nowMs())) {
    log.warn('certificate_warning', { fault, message: `${file} ${problem}` });
  }
}

export function readPrivateKey({ key_file: path }: TlsConfig) {
  const file = { key: 'obex.tls.key_file', path };
  const key = readNamedFile(file, readTextFile);
  return { key, privateKey: parseNamedFile(file, key, parsePrivateKey) };
}
