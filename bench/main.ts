/** `make bench`: Obex's release beside nginx, haproxy, apache and its own first engine, on this machine. */

import { join } from 'node:path';
import { requireDebianPackages } from '../test/support/debian-packages.ts';
import type { Outcome, Row } from './measurement.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { prepareBench } from './prepare-bench.ts';
import { formatReport, writePage } from './report.ts';
import { SCENARIOS } from './scenarios/all.ts';
import { SCENARIO_NAMES } from './scenarios/names.ts';

const PACKAGES = join(import.meta.dirname, 'debian-packages.txt');

async function measureAll(options: Options): Promise<Outcome & { failed: boolean }> {
  const bench = await prepareBench(options);
  const rows: Row[] = [];
  const notes: string[] = [];
  let failed = false;
  for (const name of options.only) {
    console.error(`bench: ${name}`);
    try {
      const outcome = await SCENARIOS[name](bench);
      rows.push(...outcome.rows);
      notes.push(...outcome.notes);
    } catch (error) {
      failed = true;
      notes.push(`${name}: failed, ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { rows, notes, failed };
}

/** Returns the exit code: 0 fine, 1 a scenario failed, 2 wrong usage. */
async function main(args: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(args);
    if (options.help) {
      console.log(USAGE);
      return 0;
    }
    requireDebianPackages(PACKAGES);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 2;
  }
  const outcome = await measureAll(options);
  const report = formatReport(outcome, options);
  console.log(report);
  if (!outcome.failed && options.only.length === SCENARIO_NAMES.length) writePage(report);
  return outcome.failed ? 1 : 0;
}

// Ends what still runs, too.
process.exit(await main(process.argv.slice(2)));
