/** TLS_MODE=provided: looks at the files of the user and changes nothing. */
import { opensslProblem } from '../wire/tls-options.ts';
import { day, error, type Finding, fine, warning } from './finding.ts';
import { isExpiringSoon, OBEX_ID, type PairFiles, readCertificate, readKey, unreadableToObex } from './pair.ts';

/** What is to be said of the pair. Obex may start unless an ERROR is among it. */
export function checkProvided(files: PairFiles, nowMs: number): readonly Finding[] {
  const cert = readCertificate(files.cert);
  const key = readKey(files.key);
  if (cert === undefined || key === undefined) {
    const cure = `Put the certificate into ${files.cert} and its private key into ${files.key}.`;
    return [error('TLS_MODE=provided but certificate files not found.', cure)];
  }
  if (typeof cert === 'string') return [error(cert, unusable(files.cert))];
  if (typeof key === 'string') return [error(key, unusable(files.key))];
  const { validFromDate, validToDate } = cert.value;
  if (validToDate.getTime() <= nowMs) {
    return [error('Provided certificate has already expired.', `It ended on ${day(validToDate)}. ${renew(files)}`)];
  }
  if (validFromDate.getTime() > nowMs) {
    const cure = `It begins on ${day(validFromDate)}. Is the clock of this machine right? Else put one into ${files.cert} that is valid now.`;
    return [error('Provided certificate is not valid yet.', cure)];
  }
  if (!cert.value.checkPrivateKey(key.value)) {
    const cure = 'Both must be of one pair; of several certificates in the file, that of the server comes first.';
    return [error(`${files.key} does not belong to the certificate in ${files.cert}.`, cure)];
  }
  const problem = opensslProblem({ cert: cert.pem, key: key.pem, minVersion: 'TLSv1.2' });
  if (problem !== undefined) return [error(`OpenSSL refuses the provided certificate: ${problem}.`, renew(files))];
  const access = fileAccess(files);
  if (!isExpiringSoon(cert.value, nowMs)) return [...access, fine('Provided certificate OK.')];
  return [
    ...access,
    warning('Provided certificate expires within 30 days.', `It ends on ${day(validToDate)}. ${renew(files)}`),
  ];
}

/** A warning only: outside of the container Obex runs as whoever starts it. */
function fileAccess(files: PairFiles): readonly Finding[] {
  const unreadable = unreadableToObex(files).join(' and ');
  if (unreadable === '') return [];
  const commands = `chmod 755 ${files.folder} && chown ${OBEX_ID} ${files.cert} ${files.key} && chmod 400 ${files.key}`;
  const cure = `Only if Obex is to run in its container: ${commands} && chmod 644 ${files.cert}`;
  return [warning(`UID ${OBEX_ID}, which Obex runs as in its container, cannot read ${unreadable}.`, cure)];
}

function unusable(file: string): string {
  return `Put a PEM file into ${file} that this user may read.`;
}

function renew({ cert, key }: PairFiles): string {
  return `Put a new one into ${cert}, with its private key in ${key}.`;
}
