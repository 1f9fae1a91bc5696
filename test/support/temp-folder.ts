/** A private folder for one test peer, gone when the test process is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempFolder {
  readonly path: string;
  remove(): void;
}

/** Makes `<tmp>/obex-<name>-XXXXXX`: short, since the path of a unix socket holds 107 bytes. */
export function createTempFolder(name: string): TempFolder {
  const path = mkdtempSync(join(tmpdir(), `obex-${name}-`));
  const remove = (): void => {
    process.off('exit', remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once('exit', remove);
  return { path, remove };
}
