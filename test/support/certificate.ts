/** Self-signed certificates for tests. RFC 5280. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerTls } from '../../src/wire/exchange.ts';
import { createTempFolder } from './temp-folder.ts';

/** A new key pair each time; `host` is the name that clients check, `name` only tells one certificate from another. */
export function createCertificate(name: string, host = 'localhost'): ServerTls {
  const folder = createTempFolder('certificate');
  const [cert, key] = [join(folder.path, 'crt'), join(folder.path, 'key')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${host}`, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
  const made = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), minVersion: 'TLSv1.2' } as const;
  folder.remove();
  return made;
}
