/** Obex as tests start it: the source, or the single executable that OBEX_EXECUTABLE names. */
import { join, resolve } from 'node:path';

const { OBEX_EXECUTABLE } = process.env;

/** The program, and the arguments that come before those of Obex. */
export const PROGRAM: { readonly command: string; readonly args: readonly string[] } =
  OBEX_EXECUTABLE === undefined
    ? { command: process.execPath, args: [join(import.meta.dirname, '../../src/main.ts')] }
    : { command: resolve(OBEX_EXECUTABLE), args: [] };
