/** The Debian packages that test/peers or the bench needs: which of them are missing, and the command that installs them. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIST = join(import.meta.dirname, '../peers/debian-packages.txt');

/** Throws an error whose message is the one line to run, if any package of the list, by default that of test/peers, is missing. */
export function requireDebianPackages(list = LIST): void {
  const needed = readFileSync(list, 'utf8').split('\n').filter(Boolean);
  const installed = installedPackages();
  const missing = needed.filter((name) => !installed.has(name));
  if (missing.length > 0) {
    throw new Error(`missing Debian packages: apt-get install -y --no-install-recommends ${missing.join(' ')}`);
  }
}

function installedPackages(): ReadonlySet<string> {
  const format = '$' + '{db:Status-Status} $' + '{Package}\n';
  const lines = execFileSync('dpkg-query', ['--show', `--showformat=${format}`], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  }).split('\n');
  return new Set(lines.filter((line) => line.startsWith('installed ')).map((line) => line.slice('installed '.length)));
}
