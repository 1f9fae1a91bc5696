/** What stands on the command line where nothing of the kind is expected. */
import type { Command } from 'commander';

/** No command takes a file, or anything else, without an option: what was meant by it must not be passed over. */
export function refuseArguments(program: Command, called: Command): void {
  const given = program.opts();
  const early = program.options.find((option) => option.long !== '--debug' && option.attributeName() in given);
  if (called !== program && early !== undefined)
    program.error(`error: ${early.long} stands before "${called.name()}"; write it after that`);
  const unexpected = called.args[called.registeredArguments.length];
  if (unexpected === undefined) return;
  if (called === program) program.error(`error: unknown command "${unexpected}"; "obex --help" lists them`);
  const has = (name: string): boolean => called.options.some(({ long }) => long === name);
  const stdio = has('--backend') ? `, or -- ${unexpected} for a server that speaks stdio` : '';
  const cure = has('--config') ? `; write --config ${unexpected}${stdio}` : '';
  called.error(`error: unexpected argument "${unexpected}"${cure}`);
}
