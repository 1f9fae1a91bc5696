/** A file that the configuration names: whatever is wrong with it is said with key, path and cure. */
import { parseCertificates } from '../lib/pem.ts';
import { readTextFile } from '../read-text-file.ts';

/** A file and the config key that names it. */
export interface NamedFile {
  readonly key: string;
  readonly path: string;
}

/** A PEM bundle of certificate authorities; undefined for the empty path, which stands for the public ones. */
export function readAuthorities(file: NamedFile): string | undefined {
  if (file.path === '') return undefined;
  const pem = readNamedFile(file, readTextFile);
  parseNamedFile(file, pem, parseCertificates);
  return pem;
}

/** Reads a file by its path; throws an error that names key, path and cure. */
export function readNamedFile<T>({ key, path }: NamedFile, read: (path: string) => T): T {
  let code: unknown = 'unreadable';
  try {
    return read(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error) ({ code } = error);
  }
  throw new Error(`${key}: cannot read ${path} (${String(code)}); check the path and that this user may read it`);
}

export function parseNamedFile<T>({ key, path }: NamedFile, pem: string, parse: (pem: string) => T | string): T {
  const parsed = parse(pem);
  if (typeof parsed === 'string') throw new Error(`${key}: ${path} ${parsed}`);
  return parsed;
}
