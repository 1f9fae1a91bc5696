/** Where the control socket stands: nobody else must be able to put another in its place. path(7), CWE-377. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const OWNER_ONLY = 0o700;
const OTHERS_WRITE = 0o022;

/** Makes the folder where it is missing. Throws an error that a person can act on. */
export function prepareFolder(socket: string): void {
  const folder = dirname(socket);
  makeMissing(folder);
  const found = statSync(folder);
  if (!found.isDirectory()) throw new Error(`admin.listen: ${folder} is no folder; choose another path`);
  const { uid, mode } = found;
  const self = process.geteuid?.() ?? uid;
  if (uid !== self && uid !== 0) {
    throw new Error(
      `admin.listen: ${folder} belongs to another user (${uid}); choose a folder of the user that Obex runs as`,
    );
  }
  if ((mode & OTHERS_WRITE) !== 0) {
    const cure = `chmod go-w ${folder}, or choose a folder below it, which Obex makes`;
    throw new Error(`admin.listen: others may write to ${folder}, and could put a socket of their own there; ${cure}`);
  }
}

function makeMissing(folder: string): void {
  try {
    mkdirSync(folder, { mode: OWNER_ONLY });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EEXIST') return;
    const why = code === 'ENOENT' ? 'the folder above it is missing' : `it cannot be made (${String(code)})`;
    throw new Error(`admin.listen: there is no ${folder}, and ${why}; make it: mkdir -p -m 700 ${folder}`, { cause });
  }
}
