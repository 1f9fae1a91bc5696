/** The lines of a configuration that serve https with a certificate for tests, and what a client has to know of it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificate } from '../unit/wire/http2/fixture.ts';

export interface TlsSection {
  /** Of the section `obex`. */
  readonly lines: string;
  readonly client: { readonly ca: string; readonly servername: string };
}

/** Writes the files into `folder`. */
export function writeTlsSection(folder: string): TlsSection {
  const { cert, key } = certificate();
  const [certFile, keyFile] = [join(folder, 'crt'), join(folder, 'key')];
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  const lines = ['tls:', '  enabled: true', `  cert_file: "${certFile}"`, `  key_file: "${keyFile}"`].join('\n');
  return { lines, client: { ca: cert, servername: 'localhost' } };
}
