/** TLS_MODE=self-signed: makes a certificate, keeps it while it is good, renews it, and overwrites none but its own. */
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { day, error, type Finding, fine } from './finding.ts';
import { covers, isExpiringSoon, namesOf } from './judge-certificates.ts';
import { isFormerKind, type MadePair, makeCertificate } from './make-certificate.ts';
import { isFileError, OBEX_ID, type PairFiles, readCertificates, readKey } from './pair.ts';

interface SelfSignedOptions {
  /** An IP address or a DNS name. */
  readonly host: string;
  readonly nowMs: number;
}

/** What shall become of the files: a reason to make new ones, or why they must be left alone. */
type Plan = { readonly keep: X509Certificate } | { readonly make: string } | { readonly refuse: Finding };

/** By this name the command knows its own certificates again. */
const COMMON_NAME = 'Obex self-signed certificate';

const LIFETIME_YEARS = 10;

/** For clients whose clock is behind. */
const BACKDATED_MS = 60 * 60 * 1000;

const FOLDER_MODE = 0o755;
const CERT_MODE = 0o644;
const KEY_MODE = 0o400;

export function keepSelfSigned(files: PairFiles, options: SelfSignedOptions): Finding {
  try {
    // Whatever the umask: Obex in its container is another user than the one that makes the folder.
    if (mkdirSync(files.folder, { recursive: true }) !== undefined) chmodSync(files.folder, FOLDER_MODE);
    finishRenewal(files);
    const plan = planFor(files, options);
    if ('refuse' in plan) return plan.refuse;
    if ('keep' in plan) {
      protect(files.key, KEY_MODE);
      return fine(`Self-signed certificate kept: ${describe(files, plan.keep)}.`);
    }
    return make(files, options, plan.make);
  } catch (cause) {
    if (!isFileError(cause)) throw cause;
    const cure = `Run it as root, or as UID ${OBEX_ID} with a folder that belongs to it.`;
    return error(`The certificate cannot be kept in ${files.folder}: ${cause.message}.`, cure);
  }
}

function planFor(files: PairFiles, { host, nowMs }: SelfSignedOptions): Plan {
  const { cert: certFile, key: keyFile } = files;
  const certificates = readCertificates(certFile);
  const key = readKey(keyFile);
  if (certificates === undefined && key === undefined) return { make: 'there was none' };
  if (certificates === undefined) return refuse(`${keyFile} has no certificate beside it`);
  if (typeof certificates === 'string') return refuse(certificates);
  const [cert] = certificates.value;
  if (!isOwn(cert)) return refuse(`${certFile} was not made by "obex certs"`);
  if (key === undefined) return { make: 'its key was missing' };
  if (typeof key === 'string') return refuse(key);
  if (!cert.checkPrivateKey(key.value)) return refuse(`${keyFile} does not belong to ${certFile}`);
  if (!covers(cert, host)) return { make: 'the one before was for another SERVER_IP' };
  if (isExpiringSoon(cert, nowMs)) return { make: `the one before ends on ${day(cert.validToDate)}` };
  if (isFormerKind(cert)) return { make: 'the one before has a key usage for which some clients refuse it' };
  // Made while the clock was wrong.
  if (cert.validFromDate.getTime() > nowMs) return { make: 'the one before is not valid yet' };
  return { keep: cert };
}

/** Nobody's certificate or key is lost for a mode set by mistake. */
function refuse(problem: string): Plan {
  const cure =
    'Nothing is overwritten. Set TLS_MODE=provided to use files of your own; or move server.crt and server.key away, and new ones are made.';
  return { refuse: error(problem, cure) };
}

function isOwn(certificate: X509Certificate): boolean {
  const { subject, issuer, publicKey } = certificate;
  return subject === `CN=${COMMON_NAME}` && issuer === subject && certificate.verify(publicKey);
}

function make(files: PairFiles, { host, nowMs }: SelfSignedOptions, reason: string): Finding {
  const notAfter = new Date(nowMs);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + LIFETIME_YEARS);
  const hosts = [...new Set([host, 'localhost', '127.0.0.1'])];
  const notBefore = new Date(nowMs - BACKDATED_MS);
  const pair = makeCertificate({ commonName: COMMON_NAME, hosts, notBefore, notAfter });
  writePair(files, pair);
  return fine(
    `Self-signed certificate made: ${describe(files, new X509Certificate(pair.cert))} (${reason}).`,
    `Clients that run on Node trust it with NODE_EXTRA_CA_CERTS=${files.cert}`,
  );
}

/** By what stands in it: one that is kept may have been made for another name that it covers as well. */
function describe({ cert }: PairFiles, certificate: X509Certificate): string {
  return `${cert} for ${namesOf(certificate)}, valid until ${day(certificate.validToDate)}`;
}

/** Both files are complete on the disk before either takes its place, the certificate first: see `finishRenewal`. */
function writePair(files: PairFiles, { cert, key }: MadePair): void {
  writeNext(files.key, key, KEY_MODE);
  writeNext(files.cert, cert, CERT_MODE);
  renameSync(next(files.cert), files.cert);
  renameSync(next(files.key), files.key);
}

/** A run that was cut off between the two renames has left a certificate in place and its key under the first name. */
function finishRenewal(files: PairFiles): void {
  const cert = readCertificates(files.cert);
  const key = readKey(next(files.key));
  const isHalfDone = typeof cert === 'object' && typeof key === 'object' && cert.value[0].checkPrivateKey(key.value);
  if (isHalfDone) renameSync(next(files.key), files.key);
  for (const rest of [next(files.cert), next(files.key)]) if (existsSync(rest)) rmSync(rest);
}

function next(file: string): string {
  return `${file}.obex-new`;
}

function writeNext(file: string, text: string, mode: number): void {
  writeFileSync(next(file), text, { mode, flag: 'wx', flush: true });
  protect(next(file), mode);
}

/** Asks for a change only where one is needed: the folder of a certificate that is kept may be read-only. */
function protect(file: string, mode: number): void {
  // Through a descriptor of the file itself: the folder is Obex's, which must not choose by a link what root gives away.
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const found = fstatSync(descriptor);
    if ((found.mode & 0o777) !== mode) fchmodSync(descriptor, mode);
    if (process.getuid?.() === 0 && found.uid !== OBEX_ID) fchownSync(descriptor, OBEX_ID, OBEX_ID);
  } finally {
    closeSync(descriptor);
  }
}
