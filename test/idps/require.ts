/** First step of `make test-idps`: says what is needed beyond npm and which of it is missing, and ends the run then. */
import { spawnSync } from 'node:child_process';
import { CACHE } from './cache.ts';

interface Requirement {
  readonly what: string;
  /** Names as in IDP. */
  readonly neededBy: readonly string[];
  readonly command: readonly [string, ...string[]];
  /** Finds the version in what the command prints, major and minor. */
  readonly version?: RegExp;
  readonly atLeast?: readonly [number, number];
}

const REQUIREMENTS: readonly Requirement[] = [
  {
    what: 'Java 17 or newer',
    neededBy: ['keycloak', 'spring'],
    command: ['java', '-version'],
    version: /version "(\d+)(?:\.(\d+))?/,
    atLeast: [17, 0],
  },
  { what: 'a JDK of that version', neededBy: ['spring'], command: ['javac', '-version'] },
  { what: 'Maven', neededBy: ['keycloak', 'spring'], command: ['mvn', '--version'] },
  {
    what: 'Go 1.26 or newer',
    neededBy: ['hydra', 'dex'],
    command: ['go', 'version'],
    version: /go(\d+)\.(\d+)/,
    atLeast: [1, 26],
  },
  { what: 'a C compiler', neededBy: ['hydra'], command: ['cc', '--version'] },
];

const REGISTRIES = 'a registry of Maven artifacts, a proxy of Go modules and its checksum database';

/** The names given, or all. */
const names = process.argv.slice(2);
const missing = REQUIREMENTS.filter(
  ({ neededBy }) => names.length === 0 || neededBy.some((name) => names.includes(name)),
).filter((requirement) => !isMet(requirement));
if (missing.length > 0) {
  process.stderr.write('make test-idps runs identity providers that come from other registries than npm and Debian.\n');
  for (const { what, neededBy } of missing) process.stderr.write(`missing: ${what}, for ${neededBy.join(' and ')}\n`);
  process.stderr.write(
    `On Debian: apt-get install -y --no-install-recommends default-jdk-headless maven gcc libc6-dev\n`,
  );
  process.stderr.write(`It also reaches ${REGISTRIES}, and keeps 4 GB in ${CACHE} (OBEX_TEST_IDPS_CACHE moves it).\n`);
  process.exitCode = 1;
}

function isMet({ command: [command, ...args], version, atLeast: [major, minor] = [0, 0] }: Requirement): boolean {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) return false;
  if (version === undefined) return true;
  const [, foundMajor, foundMinor = '0'] = version.exec(stdout + stderr) ?? [];
  if (foundMajor === undefined) return false;
  return Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor);
}
