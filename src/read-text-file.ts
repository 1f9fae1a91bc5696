/** Reads a file that is one: a pipe in its place would hold the whole process until somebody writes into it. open(2), fifo(7). */
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs';

/** Where a caller hands over what is no file: `/dev/stdin`, and `/dev/fd/63` of a process substitution. */
const HANDED_OVER = /^\/(?:dev|proc)\//;

/** Looks like what the file system refuses. */
class NotAFile extends Error {
  override readonly name = 'NotAFile';
  readonly syscall = 'open';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

const drained = new Set<string>();
/** The configuration, at the start: nobody is served yet who could be held up. */
let isFirst = true;

/** As UTF-8; throws as `readFileBytes` does. */
export function readTextFile(path: string): string {
  // Decoded afterwards: Node 26.10 corrupts its heap when it decodes a large pipe, such as /dev/stdin, while it reads.
  return readFileBytes(path).toString('utf8');
}

/** Throws what `fs.readFileSync` throws, and an error of the same kind for pipes and devices. */
export function readFileBytes(path: string): Buffer {
  const mayWait = isFirst || HANDED_OVER.test(path);
  isFirst = false;
  if (mayWait) return readHandedOver(path);
  // Without O_NONBLOCK the call would wait for somebody to write.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() && !stats.isDirectory()) throw new NotAFile('not a regular file');
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** A pipe is read once, when somebody who waits for the start has put it there. */
function readHandedOver(path: string): Buffer {
  if (!statSync(path).isFile()) {
    if (drained.has(path)) throw new NotAFile('a pipe is read only once');
    drained.add(path);
  }
  return readFileSync(path);
}
