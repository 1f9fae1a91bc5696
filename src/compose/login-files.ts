/** The files that `login` names: read at the start, at a reload, and tried by `obex check`. */
import type { Config } from '../config/schema.ts';
import { parsePrivateKey } from '../lib/pem.ts';
import { readFileBytes, readTextFile } from '../read-text-file.ts';
import { type NamedFile, parseNamedFile, readNamedFile } from './named-file.ts';

type LoginConfig = NonNullable<Config['login']>;

/** Each throws an error that names key, path and cause. */
export function loginFileReaders({ login }: Config): readonly (() => unknown)[] {
  return login === undefined ? [] : [() => readLoginKey(login), () => readLogo(login)];
}

/** PEM; undefined where none is named. */
export function readLoginKey(login: LoginConfig): string | undefined {
  const file: NamedFile = { key: 'login.private_key_file', path: login.private_key_file };
  if (file.path === '') return undefined;
  const pem = readNamedFile(file, readTextFile);
  parseNamedFile(file, pem, parsePrivateKey);
  return pem;
}

/** It is in every page. */
const MAX_LOGO_BYTES = 64 * 1024;

/** How files of these kinds begin, in latin1; in a WebP four bytes of its length stand between. */
const LOGO_TYPES: readonly (readonly [type: string, beginning: RegExp])[] = [
  ['image/png', /^\x89PNG/],
  ['image/jpeg', /^\xff\xd8\xff/],
  ['image/webp', /^RIFF[^]{4}WEBP/],
];

/** A data URL; undefined where none is named. */
export function readLogo(login: LoginConfig): string | undefined {
  const file: NamedFile = { key: 'login.logo_file', path: login.logo_file };
  if (file.path === '') return undefined;
  const bytes = readNamedFile(file, readFileBytes);
  const beginning = bytes.toString('latin1', 0, 12);
  const [type] = LOGO_TYPES.find(([, expected]) => expected.test(beginning)) ?? [];
  if (type === undefined) throw new Error(`${file.key}: ${file.path} is no PNG, JPEG or WebP`);
  if (bytes.length > MAX_LOGO_BYTES) {
    const problem = `has ${bytes.length} bytes, and may have ${MAX_LOGO_BYTES}; make it smaller`;
    throw new Error(`${file.key}: ${file.path} ${problem}`);
  }
  return `data:${type};base64,${bytes.toString('base64')}`;
}
