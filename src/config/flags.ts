/** The command line as a source of the config: the values that its flags set, and whether they stand in place of a file. */

/** As they stand on the command line, each as often as it was written. */
export interface WrittenFlags {
  readonly config?: readonly string[];
  readonly backend?: readonly string[];
  readonly publicUrl?: readonly string[];
  readonly issuer?: readonly string[];
  /** Each `key=value`. */
  readonly set?: readonly string[];
  /** The words after `--`; undefined without one. */
  readonly command?: readonly string[] | undefined;
}

/** One value of the config. */
export interface FlagValue {
  /** For problems: `--backend`. */
  readonly flag: string;
  /** The path, with a dot between its keys. */
  readonly key: string;
  readonly value: string | readonly string[];
}

export interface Flags {
  /** `--config`; undefined when it was not given. */
  readonly file: string | undefined;
  readonly values: readonly FlagValue[];
  /** The flag that stands in place of a file, so that none is looked for. */
  readonly insteadOfFile: string | undefined;
}

/** Nothing of the config is on the command line. */
export const NO_FLAGS: Flags = { file: undefined, values: [], insteadOfFile: undefined };

/** The only flag that says by itself which value it sets. */
export const SET = '--set';

const COMMAND = '--';

/** Reads the flags, or says in one line what cannot be meant. Whether keys and values are right is asked with those of the file. */
export function readFlags(written: WrittenFlags): Flags | { readonly problem: string } {
  const { config = [], backend = [], publicUrl = [], issuer = [], set = [], command } = written;
  const once = { '--config': config, '--backend': backend, '--public-url': publicUrl, '--issuer': issuer };
  for (const [flag, { length }] of Object.entries(once)) {
    if (length > 1) return { problem: `${flag} is given twice; write it once` };
  }
  const problem = (command && faultOfCommand(command)) ?? set.map(faultOfSetting).find((fault) => fault !== undefined);
  if (problem !== undefined) return { problem };
  const values = [
    ...backend.map((value) => ({ flag: '--backend', key: 'backend.url', value })),
    ...publicUrl.map((value) => ({ flag: '--public-url', key: 'obex.public_url', value })),
    ...issuer.map((value) => ({ flag: '--issuer', key: 'idp.issuer', value })),
    ...(command === undefined ? [] : readCommand(command)),
    ...set.map(readSetting),
  ];
  const stands = backend.length > 0 ? '--backend' : command && COMMAND;
  const [file] = config;
  const twins = faultOfTwins(values);
  return twins === undefined
    ? { file, values, insteadOfFile: file === undefined ? stands : undefined }
    : { problem: twins };
}

function faultOfCommand(command: readonly string[]): string | undefined {
  if ((command[0] ?? '') !== '') return undefined;
  return 'nothing stands after --; write the command of the MCP server there: obex serve -- npx my-server';
}

/** What stands before the "=" and may be shown; what is no key may be a secret. */
function faultOfSetting(text: string): string | undefined {
  const [key = ''] = /^[\w.-]*/.exec(text) ?? [];
  if (key !== '' && text.includes('=')) return undefined;
  if (key === '') return '--set: expected key=value, for example --set log.level=debug';
  return `--set ${key}: expected key=value, for example --set ${key}=VALUE`;
}

function readSetting(text: string): FlagValue {
  const end = text.indexOf('=');
  return { flag: SET, key: text.slice(0, end), value: text.slice(end + 1) };
}

function readCommand([program = '', ...args]: readonly string[]): readonly FlagValue[] {
  return [
    { flag: COMMAND, key: 'backend.command', value: program },
    { flag: COMMAND, key: 'backend.args', value: args },
  ];
}

/** No value wins over another because it comes later. */
function faultOfTwins(values: readonly FlagValue[]): string | undefined {
  const seen = new Map<string, FlagValue>();
  for (const value of values) {
    const other = seen.get(value.key);
    seen.set(value.key, value);
    if (other === undefined) continue;
    if (other.flag !== SET) return `--set ${value.key} sets what ${other.flag} has set; write one of them`;
    return `--set ${value.key} is given twice; write it once, a list with commas between its values`;
  }
  const [url, program] = [seen.get('backend.url'), seen.get('backend.command')];
  if (url === undefined || program === undefined) return undefined;
  const cure = 'one that runs already and one that Obex runs; write one of them';
  return `${nameOf(url)} and ${nameOf(program)} are two backends, ${cure}`;
}

function nameOf({ flag, key }: FlagValue): string {
  return flag === SET ? `${SET} ${key}` : flag;
}
