/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { SCENARIO_NAMES, type ScenarioName } from './scenarios/names.ts';

export interface Options {
  /** Nothing but the usage is wanted. */
  readonly help: boolean;
  /** Scenarios to run, in the order of the list. */
  readonly only: readonly ScenarioName[];
  readonly rounds: number;
  /** Turns of each contender in a round, where processes that run take turns. */
  readonly turns: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Requests a second of the scenario with a fixed rate. */
  readonly rate: number;
  /** The `dist` of another release, which then runs beside this one in the scenarios at saturation. */
  readonly earlier: string | undefined;
}

export const USAGE = `usage: node bench/main.ts [--only NAME]... [--rounds N] [--turns N] [--seconds N] [--rate N] [--earlier DIST]
  --only NAME   one of: ${SCENARIO_NAMES.join(', ')} (default: all; only a run of all writes bench/RESULTS.md)
  --rounds N    how often each contender is started afresh (default 3)
  --turns N     how often each has its turn in a round, where all run at once (default 3)
  --seconds N   length of one measurement (default 3)
  --rate N      requests a second of the scenario "rate" (default 4000)
  --earlier DIST  the dist folder of another release, to run beside this one: what a change costs, in one run
  a look that takes a minute: --only warm --only sse-5000 --rounds 1 --seconds 2`;

/** Throws with a message for the user when an argument is not what it should be. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '3' },
      turns: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '3' },
      rate: { type: 'string', default: '4000' },
      earlier: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = values.only.filter((name) => !SCENARIO_NAMES.some((known) => known === name));
  if (unknown.length > 0) throw new Error(`no such scenario: ${unknown.join(', ')}`);
  return {
    help: values.help,
    only: SCENARIO_NAMES.filter((name) => values.only.length === 0 || values.only.includes(name)),
    rounds: positiveInteger('--rounds', values.rounds),
    turns: positiveInteger('--turns', values.turns),
    seconds: positiveInteger('--seconds', values.seconds),
    rate: positiveInteger('--rate', values.rate),
    earlier: values.earlier,
  };
}

function positiveInteger(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: expected a positive number, got "${text}"`);
  return value;
}
