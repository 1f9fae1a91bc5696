/** The options by which `serve` and `check` get their config: a file, values over it, or values in its place. */
import { type Command, Option } from 'commander';
import type { WrittenFlags } from '../config/flags.ts';

/** What the parser makes of them. */
export type ConfigOptions = Omit<WrittenFlags, 'command'>;

export const CONFIG_OPTION = [
  '--config <file>',
  'config file (default: $OBEX_CONFIG, /etc/obex/obex.yaml, ./obex.yaml)',
] as const;

/** Each keeps every text that it was given, in order: one that is given twice is refused where they are read. */
export function addConfigOptions(command: Command): Command {
  return command
    .addOption(repeated(...CONFIG_OPTION))
    .addOption(repeated('--backend <url>', 'where the MCP server listens, in place of a config file: backend.url'))
    .addOption(repeated('--public-url <url>', 'the URL under which clients reach Obex: obex.public_url'))
    .addOption(repeated('--issuer <url>', 'whose tokens are accepted: idp.issuer'))
    .addOption(repeated('--set <key=value>', 'any other value, as often as needed; commas between those of a list'));
}

function repeated(flags: string, description: string): Option {
  return new Option(flags, description).argParser((text, before: readonly string[] | undefined) => [
    ...(before ?? []),
    text,
  ]);
}

/** What the parser reads, and the words after the first `--`, which are another program's. */
export function splitArguments(given: readonly string[]): {
  readonly own: readonly string[];
  readonly command: readonly string[] | undefined;
} {
  const end = given.indexOf('--');
  return end === -1 ? { own: given, command: undefined } : { own: given.slice(0, end), command: given.slice(end + 1) };
}
