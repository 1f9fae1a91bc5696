/** Finds, reads and loads the config: a file, flags over it, or flags alone, with the environment of this process. */
import { existsSync } from 'node:fs';
import { type Flags, readFlags, type WrittenFlags } from '../config/flags.ts';
import { formatProblem, type LoadedConfig, loadConfig, type RefusedConfig } from '../config/load.ts';
import { type ConfigPlace, locateConfigFile } from '../config/locate.ts';
import { readTextFile } from '../read-text-file.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a config was read from. */
export interface ConfigOrigin {
  /** The same once more, in the place where it was found. */
  readonly flags: WrittenFlags;
  /** How people call it. */
  readonly name: string;
  /** Undefined when flags stand in its place. */
  readonly file: string | undefined;
  /** That file, and every other that was read for it or should have been. */
  readonly read: readonly string[];
}

/** `problem`: there is nothing to look into. */
export type FoundConfig =
  | { readonly problem: string }
  | (ConfigOrigin & { readonly outcome: LoadedConfig | RefusedConfig });

const COMMAND_LINE = 'the command line';

export function readConfig(written: WrittenFlags, env: Environment): FoundConfig {
  const flags = readFlags(written);
  if ('problem' in flags) return flags;
  const place = locateConfigFile({ flags, env, exists: existsSync });
  if ('problem' in place) return place;
  const { file } = place;
  const text = file === undefined ? '{}' : readText(file);
  if (text === undefined) return { problem: `cannot read ${file}; is it a file that this user may read?` };
  const read = file === undefined ? [] : [file];
  const readFile = (path: string): string => {
    read.push(path);
    return readTextFile(path);
  };
  const outcome = loadConfig({ file: file ?? COMMAND_LINE, text, env, flags, readFile });
  const name = file !== undefined && flags.values.length > 0 ? `${file} and ${COMMAND_LINE}` : (file ?? COMMAND_LINE);
  const warnings = [...outcome.warnings, ...warnOfPassedOver(flags, place)];
  const again = file === undefined ? written : { ...written, config: [file] };
  return { flags: again, name, file, outcome: { ...outcome, warnings }, read };
}

function warnOfPassedOver({ insteadOfFile }: Flags, { passedOver }: ConfigPlace): readonly string[] {
  if (passedOver === undefined) return [];
  return [`${passedOver} is not read beside ${insteadOfFile}; to lay the flags over it, add --config ${passedOver}`];
}

/** A config that loaded, and where it was found. */
export type ServedConfig = LoadedConfig & ConfigOrigin;

/** Undefined after telling what is wrong. */
export function loadOrExplain(flags: WrittenFlags, stderr: (text: string) => void): ServedConfig | undefined {
  const found = readConfig(flags, process.env);
  if ('problem' in found) {
    stderr(`obex: ${found.problem}\n`);
    return undefined;
  }
  const { outcome, ...origin } = found;
  if ('config' in outcome) return { ...outcome, ...origin };
  for (const problem of outcome.problems) stderr(`${formatProblem(problem)}\n`);
  for (const warning of outcome.warnings) stderr(`warning: ${warning}\n`);
  return undefined;
}

function readText(file: string): string | undefined {
  try {
    return readTextFile(file);
  } catch {
    return undefined;
  }
}
