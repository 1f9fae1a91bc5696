/** Whether clients will accept the certificates of a server: for its name, at a time. RFC 5280 §6.1.3, RFC 9525 §6, RFC 8446 §4.4.2. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Certificates } from '../lib/pem.ts';
import { day } from './finding.ts';

export type CertificateFault =
  | 'expired'
  | 'not_valid_yet'
  | 'expires_soon'
  | 'other_name'
  | 'chain_order'
  | 'chain_expired';

export interface JudgedFault {
  readonly fault: CertificateFault;
  /** To be written behind the name of the file. */
  readonly problem: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SOON_MS = 30 * DAY_MS;

/** `host` is the DNS name or IP address that clients type; undefined = nobody knows. The most serious comes first. */
export function judgeCertificates(
  certificates: Certificates,
  { host, nowMs }: { readonly host: string | undefined; readonly nowMs: number },
): readonly JudgedFault[] {
  const [own, ...others] = certificates;
  return [
    ...judgeTime(own, nowMs),
    ...(host === undefined ? [] : judgeName(own, host)),
    ...judgeOrder(certificates),
    ...others.flatMap((certificate, index) => judgeIntermediate(certificate, { number: index + 2, nowMs })),
  ];
}

/** Which of the certificates the key belongs to, counted from 1; 0 = to none. That of the server is number 1. */
export function ownerOf(key: KeyObject, certificates: Certificates): number {
  return certificates.findIndex((certificate) => certificate.checkPrivateKey(key)) + 1;
}

/** Whether less than 30 days are left. */
export function isExpiringSoon({ validToDate }: X509Certificate, nowMs: number): boolean {
  return validToDate.getTime() - nowMs < SOON_MS;
}

/** Names in a certificate's subject do not count any more (RFC 9525 §2). */
export function covers(certificate: X509Certificate, host: string): boolean {
  const found = isIP(host) === 0 ? certificate.checkHost(host, { subject: 'never' }) : certificate.checkIP(host);
  return found !== undefined;
}

/** What a certificate is for, in words. */
export function namesOf({ subjectAltName = '' }: X509Certificate): string {
  return subjectAltName.replaceAll(/(?:DNS|IP Address):/g, '');
}

function judgeTime(certificate: X509Certificate, nowMs: number): readonly JudgedFault[] {
  const { validFromDate, validToDate } = certificate;
  if (validToDate.getTime() <= nowMs) {
    return [{ fault: 'expired', problem: `expired on ${day(validToDate)}: clients refuse it; put a new one there` }];
  }
  if (validFromDate.getTime() > nowMs) {
    const problem = `is not valid before ${day(validFromDate)}: clients refuse it; is the clock of this machine right?`;
    return [{ fault: 'not_valid_yet', problem }];
  }
  if (!isExpiringSoon(certificate, nowMs)) return [];
  return [{ fault: 'expires_soon', problem: `expires on ${day(validToDate)}; put a new one there before` }];
}

function judgeName(certificate: X509Certificate, host: string): readonly JudgedFault[] {
  if (covers(certificate, host)) return [];
  const names = namesOf(certificate);
  const problem = `is for ${names === '' ? 'no name at all' : names} and not for ${host}: clients refuse it`;
  return [{ fault: 'other_name', problem }];
}

/** Each certificate should certify the one before it; clients with TLS 1.2 may insist. */
function judgeOrder(certificates: Certificates): readonly JudgedFault[] {
  const wrong = certificates.findIndex((certificate, index) => {
    const before = certificates[index - 1];
    return before !== undefined && !before.checkIssued(certificate);
  });
  if (wrong < 0) return [];
  const cure = 'after that of the server each must be the one that signed the one before';
  return [
    {
      fault: 'chain_order',
      problem: `holds a certificate, number ${wrong + 1}, that did not sign number ${wrong}: ${cure}`,
    },
  ];
}

function judgeIntermediate(
  { validToDate }: X509Certificate,
  { number, nowMs }: { readonly number: number; readonly nowMs: number },
): readonly JudgedFault[] {
  if (validToDate.getTime() > nowMs) return [];
  const problem = `holds a certificate of an authority, number ${number}, that expired on ${day(validToDate)}: clients may refuse the chain`;
  return [{ fault: 'chain_expired', problem }];
}
