/** `server.crt` and `server.key` in one folder: where they are, what they hold, who may read the key. */
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Certificates, parseCertificates, parsePrivateKey } from '../lib/pem.ts';

/** The user and group that the container image runs as. */
export const OBEX_ID = 65_532;

export interface PairFiles {
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
}

/** What a file holds, or in words why it cannot be used; `undefined` when there is none. */
export type Read<T> = { readonly pem: string; readonly value: T } | string | undefined;

export function pairIn(folder: string): PairFiles {
  return { folder, cert: path.join(folder, 'server.crt'), key: path.join(folder, 'server.key') };
}

export function readCertificates(file: string): Read<Certificates> {
  return readPem(file, parseCertificates);
}

export function readKey(file: string): Read<KeyObject> {
  return readPem(file, parsePrivateKey);
}

function readPem<T>(file: string, parse: (pem: string) => T | string): Read<T> {
  try {
    const pem = readFileSync(file).toString('utf8');
    const value = parse(pem);
    return typeof value === 'string' ? `${file} ${value}` : { pem, value };
  } catch (error) {
    if (!isFileError(error)) throw error;
    return error.code === 'ENOENT' ? undefined : `${file} cannot be read (${error.code})`;
  }
}

/** What the file system refuses; its message names the call and the path. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
