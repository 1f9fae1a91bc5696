/** Whether a program could have its working directory, or its home, there. stat(2). */
import { statSync } from 'node:fs';

/** Throws where nobody can say. */
export function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
