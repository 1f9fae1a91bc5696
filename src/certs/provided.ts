/** TLS_MODE=provided: looks at the files of the user and changes nothing. */
import type { X509Certificate } from 'node:crypto';
import { opensslProblem } from '../wire/tls-options.ts';
import { checkAccess } from './file-access.ts';
import { day, error, type Finding, fine, isFatal, warning } from './finding.ts';
import { type JudgedFault, judgeCertificates, ownerOf } from './judge-certificates.ts';
import { type PairFiles, readCertificates, readKey } from './pair.ts';

interface ProvidedOptions {
  readonly nowMs: number;
  /** As `checkAccess` takes it. */
  readonly uid: number | undefined;
}

/** What is to be said of the pair. Obex may start unless an ERROR is among it. */
export function checkProvided(files: PairFiles, { nowMs, uid }: ProvidedOptions): readonly Finding[] {
  const cert = readCertificates(files.cert);
  const key = readKey(files.key);
  if (cert === undefined || key === undefined) {
    const cure = `Put the certificate into ${files.cert} and its private key into ${files.key}.`;
    return [error('TLS_MODE=provided but certificate files not found.', cure)];
  }
  if (typeof cert === 'string') return [error(cert, unusable(files.cert))];
  if (typeof key === 'string') return [error(key, unusable(files.key))];
  const faults = judgeCertificates(cert.value, { host: undefined, nowMs });
  const judged = faults.map((fault) => toFinding(fault, cert.value[0], files));
  const fatal = judged.filter(isFatal);
  if (fatal.length > 0) return fatal;
  const owner = ownerOf(key.value, cert.value);
  if (owner !== 1) {
    const cure =
      owner === 0
        ? 'Both must be of one pair; of several certificates in the file, that of the server comes first.'
        : `It belongs to the certificate number ${owner} in that file: put that one first.`;
    return [error(`${files.key} does not belong to the certificate in ${files.cert}.`, cure)];
  }
  const problem = opensslProblem({ cert: cert.pem, key: key.pem, minVersion: 'TLSv1.2', clients: undefined });
  if (problem !== undefined) return [error(`OpenSSL refuses the provided certificate: ${problem}.`, renew(files))];
  const findings = [...checkAccess(files, uid), ...judged];
  const isFine = judged.length === 0 && !findings.some(isFatal);
  return isFine ? [...findings, fine('Provided certificate OK.')] : findings;
}

function toFinding({ fault, problem }: JudgedFault, own: X509Certificate, files: PairFiles): Finding {
  const { validFromDate, validToDate } = own;
  switch (fault) {
    case 'expired':
      return error('Provided certificate has already expired.', `It ended on ${day(validToDate)}. ${renew(files)}`);
    case 'not_valid_yet':
      return error(
        'Provided certificate is not valid yet.',
        `It begins on ${day(validFromDate)}. Is the clock of this machine right? Else put one into ${files.cert} that is valid now.`,
      );
    case 'expires_soon':
      return warning('Provided certificate expires within 30 days.', `It ends on ${day(validToDate)}. ${renew(files)}`);
    case 'other_name':
    case 'chain_order':
    case 'chain_expired':
      return warning(`${files.cert} ${problem}.`, renew(files));
  }
}

function unusable(file: string): string {
  return `Put a PEM file into ${file} that this user may read.`;
}

function renew({ cert, key }: PairFiles): string {
  return `Put a new one into ${cert}, with its private key in ${key}.`;
}
