/** Runs node:test over the files below the folders given, prints the Node version and the runner's closing lines. */
import { spawnSync } from 'node:child_process';
import { globSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const REQUIRED_MAJOR = 26;
const major = Number(process.versions.node.split('.')[0]);
if (major < REQUIRED_MAJOR) {
  console.error(
    `tests need Node ${REQUIRED_MAJOR}, this is ${process.version}; run "make test", which brings it along`,
  );
  process.exit(1);
}

const files = process.argv.slice(2).flatMap(testFilesOf);
console.log(`Node ${process.version}, ${files.length} test files`);
const reporters = ['dot', fileURLToPath(new URL('./closing-lines.ts', import.meta.url))];
const options = reporters.flatMap((reporter) => [`--test-reporter=${reporter}`, '--test-reporter-destination=stdout']);
// No test may hang a run.
const { status } = spawnSync(process.execPath, ['--test', '--test-timeout=60000', ...options, ...files.toSorted()], {
  stdio: 'inherit',
});
process.exit(status ?? 1);

/** A place without tests is a mistake: renamed tests must not vanish from a green run. */
function testFilesOf(place: string): readonly string[] {
  const found = isFolder(place) ? globSync(`${place}/**/*.test.ts`) : globSync(place);
  if (found.length > 0) return found;
  console.error(`no test files in ${place}`);
  process.exit(1);
}

function isFolder(place: string): boolean {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() === true;
}
