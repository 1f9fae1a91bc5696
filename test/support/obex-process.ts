/** Obex as users run it: `obex serve` with a file or flags alone, in a process of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ExitStatus } from './child.ts';
import { startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { PROGRAM } from './program.ts';
import { createTempFolder } from './temp-folder.ts';

const ATTEMPTS = 3;

const LogEvent = z.looseObject({ event: z.string() });

/** One line of Obex's log. */
export type LogEvent = z.output<typeof LogEvent>;

export interface ObexProcessOptions {
  /** YAML; a function when the port must stand in it, e.g. in `public_url`: it is given a free one. Absent: `args` say all. */
  readonly config?: string | ((port: number) => string);
  /** Added to the environment, e.g. for `${VAR}` in the config. */
  readonly env?: Readonly<Record<string, string>>;
  /** After `serve`, and `--config <file>` where there is one. */
  readonly args?: readonly string[];
  /** The limit of its file descriptors. */
  readonly descriptors?: number;
}

export interface ObexProcess {
  /** As in the event `listening`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** Where the file is, if there is one. */
  readonly configPath: string;
  /** Every event logged so far. */
  logs(): readonly LogEvent[];
  /** Everything written to stdout and stderr so far, for assertions on what must not be there. */
  output(): string;
  /** The first event of that name, also one that was logged already. */
  waitForEvent(name: string): Promise<LogEvent>;
  /** From now on nobody reads its log, and no event can be waited for. */
  closeStdout(): void;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended by itself or by `kill`. */
  ended(): Promise<ExitStatus>;
  stop(): Promise<void>;
}

/** Resolves when Obex accepts connections; rejects with its last output when it ends instead. */
export async function startObexProcess(options: ObexProcessOptions): Promise<ObexProcess> {
  const { config } = options;
  if (typeof config !== 'function') return launch(config, options);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launch(config(await freePort()), options);
    } catch (error) {
      // Another process may have taken the port since it was found free.
      const taken = error instanceof Error && error.message.includes('EADDRINUSE');
      if (!taken || attempt === ATTEMPTS) throw error;
    }
  }
}

async function launch(
  config: string | undefined,
  { env = {}, args = [], descriptors }: ObexProcessOptions,
): Promise<ObexProcess> {
  const folder = createTempFolder('process');
  const configPath = join(folder.path, 'obex.yaml');
  if (config !== undefined) writeFileSync(configPath, config);
  const limited = descriptors === undefined ? [] : ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$0" "$@"`];
  const [command = '', ...rest] = [...limited, PROGRAM.command, ...PROGRAM.args];
  const child = startChild({
    command,
    args: [...rest, 'serve', ...(config === undefined ? [] : ['--config', configPath]), ...args],
    env,
    cwd: folder.path,
  });
  const logs = (): LogEvent[] => parseEvents(child.stdout());
  const waitForEvent = (name: string): Promise<LogEvent> =>
    child.waitFor(`the event ${name}`, () => logs().find(({ event }) => event === name));
  const url = new URL(z.string().parse((await waitForEvent('listening'))['url']));
  return {
    url: url.origin,
    port: Number(url.port),
    configPath,
    logs,
    output: () => child.stdout() + child.stderr(),
    waitForEvent,
    closeStdout: () => child.closeStdout(),
    kill: (signal) => child.kill(signal),
    ended: () => child.ended(),
    async stop() {
      await child.stop();
      folder.remove();
    },
  };
}

// The last piece is not a line yet.
function parseEvents(stdout: string): LogEvent[] {
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => LogEvent.parse(JSON.parse(line)));
}
