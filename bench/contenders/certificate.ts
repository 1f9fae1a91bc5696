/** A self-signed P-256 certificate for the TLS scenarios. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

export function makeCertificate(bench: Bench): Certificate {
  const folder = bench.folder('tls');
  const certificate = { certFile: join(folder, 'server.crt'), keyFile: join(folder, 'server.key') };
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', certificate.keyFile];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-out', certificate.certFile], { stdio: 'ignore' });
  return certificate;
}
