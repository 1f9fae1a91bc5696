/** `obex demo`: Obex in front of a demo MCP server, with a development IdP, on one machine and with nothing to configure. */
import { formatProblem, loadConfig } from '../config/load.ts';
import type { StartObex } from '../demo/stage.ts';
import { startObex } from '../obex.ts';
import { errorField, type LineSink } from '../observe/log.ts';
import { createObservers } from '../observe/observers.ts';

export interface DemoOptions {
  /** Plays the story, proves it and ends; otherwise everything stays up. */
  readonly once: boolean;
  /** Obex's port; absent = 8080 or the next free one (any free one with `once`). */
  readonly port?: number;
  stdout(text: string): void;
  stderr(text: string): void;
}

const OBEX_PORT = 8080;
const EXIT_USAGE = 2;

/** Runs the demo; resolves to the exit code. */
export async function runDemo(options: DemoOptions): Promise<number> {
  try {
    return options.once ? await playOnce(options) : await stayUp(options);
  } catch (error) {
    const refusal = listenRefusal(error);
    options.stderr(`obex: ${refusal === undefined ? errorField(error) : `--port: ${errorField(refusal)}`}\n`);
    return refusal === undefined ? 1 : EXIT_USAGE;
  }
}

/** The address cannot be had; `serve` ends with the same code, and names the key of a configuration that is not the user's here. */
function listenRefusal(error: unknown): Error | undefined {
  const refusal = error instanceof Error ? error.cause : undefined;
  const cause = refusal instanceof Error ? refusal.cause : undefined;
  const isRefusal = cause instanceof Error && 'syscall' in cause && cause.syscall === 'listen';
  return refusal instanceof Error && isRefusal ? refusal : undefined;
}

/**
 * Starts Obex in this process. The demo's modules know it only by its URL. The environment is left out: an `OBEX_*`
 * variable that happens to be set must not change what is shown.
 */
function obexStarter(log: LineSink): StartObex {
  return async (yaml) => {
    const loaded = loadConfig({ file: 'obex demo', text: yaml, env: {}, readFile: () => '' });
    if ('problems' in loaded) throw new Error(loaded.problems.map(formatProblem).join('\n'));
    const obex = await startObex(loaded.config, createObservers(loaded.config.log.level, log));
    return { stop: async () => obex.stop() };
  };
}

async function playOnce(options: DemoOptions): Promise<number> {
  const [{ startStage }, { startLoginStage }, { findFreePort }, { tellStory }, { createTurnstile }] = await Promise.all(
    [
      import('../demo/stage.ts'),
      import('../demo/login-stage.ts'),
      import('../demo/loopback.ts'),
      import('../demo/story.ts'),
      import('../demo/turnstile.ts'),
    ],
  );
  const turnstile = createTurnstile();
  const log: string[] = [];
  const startObex = obexStarter({ write: (line) => void log.push(line) });
  await using started = new AsyncDisposableStack();
  const port = options.port ?? (await findFreePort(0));
  const stage = await startStage({ startObex, port, pause: () => turnstile.wait() });
  started.defer(() => stage.stop());
  const loginStage = await startLoginStage(stage, { startObex, port: await findFreePort(0) });
  started.defer(() => loginStage.stop());
  options.stdout(`Obex runs with this configuration:\n\n${stage.yaml}\n`);
  const held = await tellStory({ stage, loginStage, turnstile }, (text) => options.stdout(text));
  if (!held) options.stderr(`Obex's log:\n${log.join('')}`);
  return held ? 0 : 1;
}

async function stayUp(options: DemoOptions): Promise<number> {
  const [{ startStage }, { startLoginStage }, { findFreePort }, { composeGuide }] = await Promise.all([
    import('../demo/stage.ts'),
    import('../demo/login-stage.ts'),
    import('../demo/loopback.ts'),
    import('../demo/guide.ts'),
  ]);
  const port = options.port ?? (await findFreePort(OBEX_PORT));
  if (options.port === undefined && port !== OBEX_PORT) {
    options.stderr(`Port ${OBEX_PORT} is taken; Obex uses ${port} instead.\n`);
  }
  const startObex = obexStarter({ write: (line) => options.stderr(line) });
  {
    await using started = new AsyncDisposableStack();
    const stage = await startStage({ startObex, port });
    started.defer(() => stage.stop());
    const loginStage = await startLoginStage(stage, { startObex, port: await findFreePort(port + 1) });
    started.defer(() => loginStage.stop());
    options.stdout(await composeGuide(stage, loginStage));
    await untilStopped();
  }
  options.stdout('\nThe demo has ended. Goodbye!\n');
  return 0;
}

/** Waits for Ctrl-C or SIGTERM; a second Ctrl-C then ends the process at once. */
async function untilStopped(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  process.once('SIGINT', resolve);
  process.once('SIGTERM', resolve);
  await promise;
  process.off('SIGINT', resolve);
  process.off('SIGTERM', resolve);
}
