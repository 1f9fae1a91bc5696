/** First step of `make test-e2e`: ends the run with one line when a Debian package is missing. */
import { requireDebianPackages } from '../support/debian-packages.ts';

try {
  requireDebianPackages();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
