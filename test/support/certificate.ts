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
  const made = {
    cert: readFileSync(cert, 'utf8'),
    key: readFileSync(key, 'utf8'),
    minVersion: 'TLSv1.2',
    clients: undefined,
  } as const;
  folder.remove();
  return made;
}

export interface CertificateChain {
  readonly leaf: string;
  readonly intermediate: string;
  readonly root: string;
  /** Of the leaf. */
  readonly key: string;
}

/** A certificate for `host`, signed by an authority that another one has signed. Intermediates end after `intermediateDays`. */
export function createChain(host: string, { intermediateDays = 100 } = {}): CertificateChain {
  const folder = createTempFolder('chain');
  const make = (name: string, days: number, ...extensions: readonly string[]): void => {
    const files = ['-keyout', join(folder.path, `${name}.key`), '-out', join(folder.path, `${name}.crt`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', String(days)];
    execFileSync('openssl', ['req', '-x509', ...curve, '-subj', `/CN=${name}`, ...files, ...extensions], {
      stdio: 'ignore',
    });
  };
  const signedBy = (name: string): string[] => [
    '-CA',
    join(folder.path, `${name}.crt`),
    '-CAkey',
    join(folder.path, `${name}.key`),
  ];
  const read = (file: string): string => readFileSync(join(folder.path, file), 'utf8');
  make('root', 100);
  make('intermediate', intermediateDays, ...signedBy('root'), '-addext', 'basicConstraints=critical,CA:TRUE');
  make(
    'leaf',
    100,
    ...signedBy('intermediate'),
    '-addext',
    `subjectAltName=DNS:${host}`,
    '-addext',
    'basicConstraints=critical,CA:FALSE',
  );
  const chain = {
    leaf: read('leaf.crt'),
    intermediate: read('intermediate.crt'),
    root: read('root.crt'),
    key: read('leaf.key'),
  };
  folder.remove();
  return chain;
}
