/** `server.crt` and `server.key` in one folder: where they are, what they hold, who may read the key. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { parseCertificate, parsePrivateKey } from '../lib/pem.ts';

/** The user and group that the container image runs as. */
export const OBEX_ID = 65_532;

export interface PairFiles {
  readonly folder: string;
  readonly cert: string;
  readonly key: string;
}

/** What a file holds, or in words why it cannot be used; `undefined` when there is none. */
export type Read<T> = { readonly pem: string; readonly value: T } | string | undefined;

const DAY_MS = 24 * 60 * 60 * 1000;
const SOON_MS = 30 * DAY_MS;

export function pairIn(folder: string): PairFiles {
  return { folder, cert: path.join(folder, 'server.crt'), key: path.join(folder, 'server.key') };
}

export function readCertificate(file: string): Read<X509Certificate> {
  return readPem(file, parseCertificate);
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

/** Whether less than 30 days are left. */
export function isExpiringSoon({ validToDate }: X509Certificate, nowMs: number): boolean {
  return validToDate.getTime() - nowMs < SOON_MS;
}

/** What Obex in its container could not read, where it lies now. */
export function unreadableToObex({ folder, cert, key }: PairFiles): readonly string[] {
  if (!permits(statSync(folder), 0o1)) return [cert, key];
  return [cert, key].filter((file) => !permits(statSync(file), 0o4));
}

/** The one class of permission bits that counts for Obex: of the owner, else of the group, else of the others. */
function permits({ uid, gid, mode }: Stats, bit: number): boolean {
  const shift = uid === OBEX_ID ? 6 : gid === OBEX_ID ? 3 : 0;
  return (mode & (bit << shift)) !== 0;
}

/** What the file system refuses; its message names the call and the path. */
export function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
