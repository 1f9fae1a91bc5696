/** Finds, reads and loads the config file, with the environment of this process. */
import { existsSync, readFileSync } from 'node:fs';
import { formatProblem, type LoadedConfig, loadConfig, type RefusedConfig } from '../config/load.ts';
import { locateConfigFile } from '../config/locate.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `problem`: there is no file to look into. `read`: that file, and every other that was read for it or should have been. */
export type ConfigFile =
  | { readonly problem: string }
  | { readonly file: string; readonly outcome: LoadedConfig | RefusedConfig; readonly read: readonly string[] };

/** `flag` is `--config`; undefined when it was not given. */
export function readConfigFile(flag: string | undefined, env: Environment): ConfigFile {
  const located = locateConfigFile({ flag, env, exists: existsSync });
  if ('problem' in located) return located;
  const { file } = located;
  const text = readText(file);
  if (text === undefined) return { problem: `cannot read ${file}; is it a file that this user may read?` };
  const read = [file];
  const readFile = (path: string): string => {
    read.push(path);
    return readFileSync(path).toString('utf8');
  };
  return { file, outcome: loadConfig({ file, text, env, readFile }), read };
}

/** A config that loaded, and where it was found. */
export type ServedConfig = LoadedConfig & { readonly file: string; readonly read: readonly string[] };

/** Undefined after telling what is wrong. */
export function loadOrExplain(flag: string | undefined, stderr: (text: string) => void): ServedConfig | undefined {
  const found = readConfigFile(flag, process.env);
  if ('problem' in found) {
    stderr(`obex: ${found.problem}\n`);
    return undefined;
  }
  const { file, outcome, read } = found;
  if ('config' in outcome) return { ...outcome, file, read };
  for (const problem of outcome.problems) stderr(`${formatProblem(problem)}\n`);
  for (const warning of outcome.warnings) stderr(`warning: ${warning}\n`);
  return undefined;
}

/** Decoded afterwards: Node 26.10 corrupts its heap when it decodes a large pipe, such as /dev/stdin, while it reads. */
function readText(file: string): string | undefined {
  try {
    return readFileSync(file).toString('utf8');
  } catch {
    return undefined;
  }
}
