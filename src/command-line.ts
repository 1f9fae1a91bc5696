/** argv → command. Exit codes: 0 fine, 1 the thing checked is not fine, 2 wrong usage or config, 70 internal. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { addConfigOptions, CONFIG_OPTION, type ConfigOptions, splitArguments } from './commands/config-options.ts';
import type { LoginOptions } from './commands/login.ts';
import { refuseArguments } from './commands/refuse-arguments.ts';
import { systemClock } from './lib/clock.ts';
import { VERSION } from './lib/version.ts';
import type { Signals } from './signals.ts';

const EXIT_USAGE = 2;
const EXIT_INTERNAL = 70;

const WITHOUT_FILE = 'obex serve --backend http://localhost:9090 --issuer https://auth.your-company.com/';
const WITH_COMMAND = '[options] [-- command args...]';
const HELP_OPTION = ['-h, --help', 'print this help'] as const;

const stdout = (text: string): void => void process.stdout.write(text);
const stderr = (text: string): void => void process.stderr.write(text);

/** What the beginning of the program hands to its command. */
export interface Beginning {
  /** The URL of the program's file, which a worker thread starts from. A single executable has none. */
  readonly entry: string;
  readonly signals: Signals;
}

interface Parts extends Beginning {
  /** What stands after `--`. */
  readonly command: readonly string[] | undefined;
  exit(code: number): void;
}

function createProgram(parts: Parts): Command {
  const { signals, exit } = parts;
  const program: Command = new Command('obex')
    .description(
      'Stands in front of an MCP server and makes it an OAuth 2.1 protected resource.\nWithout a command it runs serve.',
    )
    .version(VERSION, '-v, --version', 'print the version')
    .addOption(new Option('-V').hideHelp())
    .on('option:V', () => {
      stdout(`${VERSION}\n`);
      throw new CommanderError(0, 'obex.version', VERSION);
    })
    .helpOption(...HELP_OPTION)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(`${formatUsageError(text)}\n`) })
    .enablePositionalOptions()
    .addOption(new Option('--health-probe', 'exit 0 if the local /health answers 200'))
    .addOption(debugOption())
    .addHelpText('after', example('obex serve --config obex.yaml'))
    // Said in our own words, by `refuseArguments`.
    .allowExcessArguments()
    .hook('preAction', (_program, called) => {
      refuseArguments(program, called);
      const takesCommand = called === program || ['serve', 'check'].includes(called.name());
      if (parts.command !== undefined && !takesCommand) called.error('error: unexpected argument "--"');
      if (called !== program && called.name() !== 'serve') signals.release();
    })
    .action(async (options: ConfigOptions & { healthProbe?: boolean }) => {
      exit(await (options.healthProbe === true ? probe : serve)({ ...options, watch: false }, parts));
    });
  addConfigOptions(program);
  addServe(program, parts);
  addCheck(program, parts);
  addSmallCommands(program, exit);
  addLogin(program, exit);
  addHelp(program);
  return program;
}

/** One line with the prefix of every other error; the parser writes `error: …` and puts its suggestion on a second line. */
function formatUsageError(text: string): string {
  return text
    .trim()
    .replace(/^error: /, 'obex: ')
    .replaceAll('\n', ' ');
}

function addServe(program: Command, parts: Parts): void {
  addConfigOptions(command(program, 'serve', 'run the proxy'))
    .usage(WITH_COMMAND)
    .option('--watch', 'reload when the config file, or a secret that it names, changes', false)
    .addHelpText('after', example('obex serve --config obex.yaml --watch', WITHOUT_FILE))
    .action(async (options: ConfigOptions & { watch: boolean }) => parts.exit(await serve(options, parts)));
}

function addCheck(program: Command, parts: Parts): void {
  addConfigOptions(command(program, 'check', 'print every problem of a config, or what it amounts to'))
    .usage(WITH_COMMAND)
    .option('--strict', 'exit 1 if there are warnings', false)
    .addHelpText('after', example('obex check --config obex.yaml'))
    .action(async ({ strict, ...written }: ConfigOptions & { strict: boolean }) => {
      const { runCheck } = await import('./commands/check.ts');
      const flags = { ...written, command: parts.command };
      parts.exit(await runCheck({ flags, strict, env: process.env, nowMs: systemClock.nowMs(), stdout, stderr }));
    });
}

function addSmallCommands(program: Command, exit: (code: number) => void): void {
  command(program, 'certs', 'make or check server.crt and server.key, as $TLS_MODE and $SERVER_IP say')
    .option('--dir <folder>', 'where they are', 'certs')
    .option('--uid <number>', 'user and group that Obex will run as: it is an error if they cannot read them', parseUid)
    .addHelpText('after', example('TLS_MODE=self-signed SERVER_IP=10.0.0.5 obex certs --dir certs'))
    .action(async ({ dir, uid }: { dir: string; uid?: number }) => {
      const { runCerts } = await import('./commands/certs.ts');
      exit(runCerts({ dir, uid, env: process.env, nowMs: systemClock.nowMs(), stdout, stderr }));
    });
  command(program, 'schema', 'print the JSON Schema of the config')
    .addHelpText('after', example('obex schema > obex.schema.json'))
    .action(async () => {
      const { runSchema } = await import('./commands/schema.ts');
      exit(runSchema(stdout));
    });
  command(program, 'demo', 'run a demo MCP server, a development IdP and Obex in front, with nothing to configure')
    .option('--once', 'play the whole story once, prove each step, exit 0 or 1', false)
    .option('--port <port>', 'port of Obex, 1 to 65535 (default: 8080, or the next free one)', parsePort)
    .addHelpText('after', example('obex demo --once'))
    .action(async (options: { once: boolean; port?: number }) => {
      const demo = await importDemo();
      if (demo === undefined) return exit(EXIT_USAGE);
      exit(await demo.runDemo({ ...options, stdout, stderr }));
    });
}

function addLogin(program: Command, exit: (code: number) => void): void {
  const login: Command = command(program, 'login', 'who is logged in at a running Obex, and how that ends')
    .helpCommand(false)
    .action(() => login.error('error: what of it? "obex login sessions" or "obex login revoke"'));
  const run = async (kind: 'sessions' | 'revoke', options: LoginOptions): Promise<void> => {
    const { runLogin } = await import('./commands/login.ts');
    exit(await runLogin(kind, options, { nowMs: systemClock.nowMs(), stdout, stderr }));
  };
  command(login, 'sessions', 'list who is logged in, and with which clients')
    .addOption(configOption())
    .option('--subject <subject>', 'of one person, as the IdP calls them')
    .option('--client <id>', 'of one client, by its id or as much of it as the list shows')
    .option('--json', 'print JSON')
    .addHelpText('after', example('obex login sessions --config obex.yaml'))
    .action((options: LoginOptions) => run('sessions', options));
  command(login, 'revoke', 'end sessions, and call back the access tokens that are out')
    .addOption(configOption())
    .option('--subject <subject>', 'all of one person, as the IdP calls them')
    .option('--client <id>', 'all of one client, by its id or as much of it as the list shows')
    .option('--all', 'all')
    .option('--json', 'print JSON')
    .addHelpText('after', example('obex login revoke --subject 00u1abcd --config obex.yaml'))
    .action((options: LoginOptions) => run('revoke', options));
}

function addHelp(program: Command): void {
  command(program, 'help [command]', 'print the help of a command')
    .addHelpText('after', example('obex help check'))
    .action((name: string | undefined) => {
      const named = name === undefined ? program : program.commands.find((known) => known.name() === name);
      if (named === undefined) return program.error(`error: unknown command "${name}"; "obex --help" lists them`);
      named.help();
    });
}

function command(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .helpOption(...HELP_OPTION)
    .addOption(debugOption())
    .exitOverride();
}

/** `main` looks for it by itself, because a bug may show before the command line is parsed. */
function debugOption(): Option {
  return new Option('--debug', 'print stack traces');
}

function configOption(): Option {
  return new Option(...CONFIG_OPTION);
}

function example(...lines: readonly string[]): string {
  return `\nExample:${lines.map((line) => `\n  $ ${line}`).join('')}`;
}

function parseUid(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Expected a number such as 65532.');
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('Expected a number from 1 to 65535.');
}

async function serve({ watch, ...written }: ConfigOptions & { watch: boolean }, parts: Parts): Promise<number> {
  const { runServe } = await import('./commands/serve.ts');
  const { entry, signals, command } = parts;
  return runServe({ entry, signals, watch, flags: { ...written, command }, stderr });
}

/** Without the file, and in the single executable, which imports nothing but modules of Node. */
const NO_SUCH_MODULE: ReadonlySet<unknown> = new Set(['ERR_MODULE_NOT_FOUND', 'ERR_UNKNOWN_BUILTIN_MODULE']);

/** The container image and the single executable come without the demo's parts. */
async function importDemo(): Promise<typeof import('./commands/demo.ts') | undefined> {
  try {
    return await import('./commands/demo.ts');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && NO_SUCH_MODULE.has(error.code))) throw error;
    stderr('obex: the demo is no part of this installation; run "make run" in a checkout\n');
    return undefined;
  }
}

async function probe(written: ConfigOptions, { command }: Parts): Promise<number> {
  const { runHealthProbe } = await import('./commands/health-probe.ts');
  return runHealthProbe({ flags: { ...written, command }, stderr });
}

/** Runs what the arguments of the process say, and ends the process with its exit code. */
export async function runCommandLine(beginning: Beginning): Promise<void> {
  const { own, command } = splitArguments(process.argv.slice(2));
  const fail = (error: unknown): void => {
    const isDebug = own.includes('--debug');
    stderr(isDebug && error instanceof Error ? `${error.stack}\n` : `obex: internal error: ${String(error)}\n`);
    process.exit(EXIT_INTERNAL);
  };
  process.on('uncaughtException', fail);
  // Whoever reads has seen enough, as `head` does: the end, and no bug.
  process.stdout.on('error', (error) => ('code' in error && error.code === 'EPIPE' ? process.exit() : fail(error)));
  try {
    const program = createProgram({ ...beginning, command, exit: (code) => process.exit(code) });
    await program.parseAsync(own, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE);
    fail(error);
  }
}
