/** Runs the official MCP conformance suite against a server and reads what it found. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { createTempFolder } from './temp-folder.ts';

/** What one run is: a release of the suite and the scenarios chosen from it. */
export interface SuiteRun {
  /** Path of the suite's command. */
  readonly cli: string;
  readonly args: readonly string[];
}

/** How often each check of a scenario ended how; the key is the check's id. */
export interface ScenarioOutcome {
  readonly passed: ReadonlyMap<string, number>;
  readonly failed: ReadonlyMap<string, number>;
  readonly warned: ReadonlyMap<string, number>;
}

const DEADLINE_MS = 300_000;

const Checks = z.array(z.object({ id: z.string(), status: z.string() }));

/** Runs the suite; resolves to the outcome of each scenario by name, in the order of the names. */
export async function runSuite(run: SuiteRun, url: string): Promise<ReadonlyMap<string, ScenarioOutcome>> {
  const folder = createTempFolder('conformance');
  const args = [run.cli, 'server', '--url', url, ...run.args, '--output-dir', folder.path];
  const suite = spawn(process.execPath, args, { cwd: folder.path, stdio: 'ignore', timeout: DEADLINE_MS });
  // Its exit code says whether any check failed, which the results say better.
  await once(suite, 'close');
  const outcomes = new Map<string, ScenarioOutcome>();
  for (const name of readdirSync(folder.path).toSorted()) {
    const scenario = /^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$/.exec(name)?.[1];
    if (scenario !== undefined) outcomes.set(scenario, readOutcome(join(folder.path, name, 'checks.json')));
  }
  folder.remove();
  if (outcomes.size === 0) throw new Error(`the conformance suite left no results: ${args.join(' ')}`);
  return outcomes;
}

function readOutcome(file: string): ScenarioOutcome {
  const checks = Checks.parse(JSON.parse(readFileSync(file, 'utf8')));
  const count = (status: string): ReadonlyMap<string, number> => {
    const counts = new Map<string, number>();
    for (const check of checks) if (check.status === status) counts.set(check.id, (counts.get(check.id) ?? 0) + 1);
    return counts;
  };
  return { passed: count('SUCCESS'), failed: count('FAILURE'), warned: count('WARNING') };
}
