/** Which errors of SQLite are an outage of the database, and which are bugs. https://sqlite.org/rescode.html */

/** The result codes that are told apart. The rest (busy, locked, full, corrupt, I/O …) is an outage all the same. */
export const RESULT = {
  perm: 3,
  readOnly: 8,
  cannotOpen: 14,
  constraint: 19,
  mismatch: 20,
  misuse: 21,
  auth: 23,
  range: 25,
  notADatabase: 26,
} as const;

/** Never the fault of a disk or of another process. */
const BUGS: ReadonlySet<number> = new Set([RESULT.constraint, RESULT.mismatch, RESULT.misuse, RESULT.range]);

/** The primary result code, which is the low byte of an extended one; undefined for what is not of SQLite. */
export function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

export function isOutage(error: unknown): boolean {
  const code = resultCodeOf(error);
  return code !== undefined && !BUGS.has(code);
}
