/** argv → command. Exit codes: 0 fine, 1 the thing checked is not fine, 2 wrong usage or config, 70 internal. */
import { Command, CommanderError, Option } from 'commander';
import { VERSION } from './version.ts';

const EXIT_USAGE = 2;
const EXIT_INTERNAL = 70;

const stdout = (text: string): void => void process.stdout.write(text);
const stderr = (text: string): void => void process.stderr.write(text);

function createProgram(exit: (code: number) => void): Command {
  const program = new Command('obex')
    .description('Stands in front of an MCP server and makes it an OAuth 2.1 protected resource.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .enablePositionalOptions()
    .addOption(configOption())
    .addOption(new Option('--health-probe', 'exit 0 if the local /health answers 200'))
    .addOption(new Option('--debug', 'print stack traces'))
    .addHelpText('after', example('obex serve --config obex.yaml'))
    .allowExcessArguments()
    .action(async (options: { config?: string; healthProbe?: boolean }) => {
      const [unknown] = program.args;
      if (unknown !== undefined) program.error(`error: unknown command '${unknown}'; "obex --help" lists them`);
      if (options.healthProbe === true) return exit(await probe(options.config));
      exit(await serve({ ...options, watch: false }));
    });
  addServe(program, exit);
  addCheck(program, exit);
  addSmallCommands(program, exit);
  return program;
}

function addServe(program: Command, exit: (code: number) => void): void {
  command(program, 'serve', 'run the proxy')
    .addOption(configOption())
    .option('--watch', 'reload when the config file changes', false)
    .addHelpText('after', example('obex serve --config obex.yaml --watch'))
    .action(async (options: { config?: string; watch: boolean }) => exit(await serve(options)));
}

function addCheck(program: Command, exit: (code: number) => void): void {
  command(program, 'check', 'print every problem of a config, or what it amounts to')
    .addOption(configOption())
    .addHelpText('after', example('obex check --config obex.yaml'))
    .action(async (options: { config?: string }) => {
      const { runCheck } = await import('./commands/check.ts');
      exit(await runCheck({ config: options.config, env: process.env, stdout, stderr }));
    });
}

function addSmallCommands(program: Command, exit: (code: number) => void): void {
  command(program, 'schema', 'print the JSON Schema of the config')
    .addHelpText('after', example('obex schema > obex.schema.json'))
    .action(async () => {
      const { runSchema } = await import('./commands/schema.ts');
      exit(runSchema(stdout));
    });
  command(program, 'demo', 'run a demo MCP server, a development IdP and Obex in front, with nothing to configure')
    .option('--once', 'play the whole story once, prove each step, exit 0 or 1', false)
    .option('--port <port>', 'port of Obex', parsePort)
    .addHelpText('after', example('obex demo --once'))
    .action(async (options: { once: boolean; port?: number }) => {
      const demo = await importDemo();
      if (demo === undefined) return exit(EXIT_USAGE);
      exit(await demo.runDemo({ ...options, stdout, stderr }));
    });
}

function command(program: Command, name: string, description: string): Command {
  return program.command(name).description(description).helpOption('--help', 'print this help').exitOverride();
}

function configOption(): Option {
  return new Option('--config <file>', 'config file (default: $OBEX_CONFIG, /etc/obex/obex.yaml, ./obex.yaml)');
}

function example(line: string): string {
  return `\nExample:\n  $ ${line}`;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new CommanderError(EXIT_USAGE, 'obex.port', `--port: expected a number from 1 to 65535, got "${text}"`);
}

async function serve(options: { config?: string; watch: boolean }): Promise<number> {
  const { runServe } = await import('./commands/serve.ts');
  return runServe({ config: options.config, watch: options.watch, stderr });
}

/** The container image and the single executable come without the demo's parts. */
async function importDemo(): Promise<typeof import('./commands/demo.ts') | undefined> {
  try {
    return await import('./commands/demo.ts');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND')) throw error;
    stderr('obex: the demo is no part of this installation; run "make run" in a checkout, or "npx obex demo"\n');
    return undefined;
  }
}

async function probe(config: string | undefined): Promise<number> {
  const { runHealthProbe } = await import('./commands/health-probe.ts');
  return runHealthProbe({ config, stderr });
}

async function main(): Promise<void> {
  const fail = (error: unknown): void => {
    const isDebug = process.argv.includes('--debug');
    stderr(isDebug && error instanceof Error ? `${error.stack}\n` : `obex: internal error: ${String(error)}\n`);
    process.exit(EXIT_INTERNAL);
  };
  process.on('uncaughtException', fail);
  try {
    await createProgram((code) => process.exit(code)).parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : EXIT_USAGE);
    fail(error);
  }
}

await main();
