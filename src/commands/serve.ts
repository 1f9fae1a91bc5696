/** `obex serve`: runs the proxy until a signal ends it. Signals as in docs/operations.md. */
import { availableParallelism } from 'node:os';
import { startAdmin } from '../compose/admin.ts';
import { readDescriptorLimit, warnOfDescriptors } from '../compose/descriptors.ts';
import { findProgramFaults } from '../compose/program-faults.ts';
import type { WrittenFlags } from '../config/flags.ts';
import type { Config } from '../config/schema.ts';
import { writeUrl } from '../lib/written-url.ts';
import { type Obex, startObex } from '../obex.ts';
import { LineWriter } from '../observe/line-writer.ts';
import { errorField } from '../observe/log.ts';
import { createObservers, type Observers } from '../observe/observers.ts';
import type { Signals } from '../signals.ts';
import { collectWithoutHelp } from '../young-generation.ts';
import { loadOrExplain } from './config-file.ts';
import { Supervisor } from './supervisor.ts';

export interface ServeOptions {
  /** The URL of the program's file, which a worker thread starts from. A single executable has none. */
  readonly entry: string;
  readonly signals: Signals;
  readonly flags: WrittenFlags;
  /** Reload when a file changes that the configuration was read from. */
  readonly watch: boolean;
  stderr(text: string): void;
}

/** How long a reader of the log may take over the last lines. */
const SETTLE_LOG_MS = 1_000;

/** Bad usage, or a configuration that cannot be put in force. */
const EXIT_CONFIG = 2;

/** Resolves to the exit code when Obex has stopped. */
export async function runServe(options: ServeOptions): Promise<number> {
  const loaded = loadOrExplain(options.flags, options.stderr);
  if (loaded === undefined) return EXIT_CONFIG;
  collectWithoutHelp();
  const lines = new LineWriter(1, (count) => observers.metrics.accessLinesDropped(count));
  const workers = await prepareWorkers(loaded.config);
  const observers: Observers = createObservers(loaded.config.log.level, lines, { metrics: workers?.metrics });
  process.on('exit', () => lines.flushSync());
  for (const message of loaded.warnings) observers.log.warn('config_warning', { message });
  const tooFew = warnOfDescriptors(loaded.config, readDescriptorLimit());
  if (tooFew !== undefined) observers.log.warn('config_warning', { message: tooFew });
  for (const message of findProgramFaults(loaded.config).others) observers.log.warn('config_warning', { message });
  // Nobody has written it, and users type it.
  if (loaded.file === undefined) for (const line of loaded.filledIn) options.stderr(`obex: filled in ${line}\n`);
  // The log may be far away; whoever starts phase 1 shall know it here and now.
  if (loaded.phase === 1) options.stderr(`obex: WARNING: ${loaded.warnings[0]}\n`);
  try {
    const { entry } = options;
    const obex = await (workers?.start({ entry, observers, lines }) ?? startObex(loaded.config, observers));
    const admin = await startAdminOrStop(loaded.config, observers, obex);
    observers.log.info('listening', {
      url: obex.url,
      phase: obex.phase,
      ...(workers && { workers: workers.count }),
      public_url: loaded.config.obex.public_url.origin,
      ...describeServers(loaded.config.servers),
    });
    const code = await new Supervisor(obex, loaded, { log: observers.log, options, admin }).run();
    admin?.stop();
    // Else the last lines would be written into the middle of one that the reader has not taken yet.
    if (code === 0) await lines.settle(SETTLE_LOG_MS);
    return code;
  } catch (error) {
    options.stderr(`obex: ${errorField(error)}\n`);
    return EXIT_CONFIG;
  }
}

function describeServers(servers: Config['servers']) {
  const [first] = servers;
  if (first.name === undefined) return { backend: describeBackend(first) };
  return { servers: Object.fromEntries(servers.map((server) => [server.name, describeBackend(server)])) };
}

/** Without arguments, which may hold secrets. */
function describeBackend({ backend: { command, url } }: Config['servers'][0]): string {
  return command[0] ?? writeUrl(url);
}

async function startAdminOrStop(config: Config, observers: Observers, obex: Pick<Obex, 'commandLogin' | 'stop'>) {
  try {
    return await startAdmin(config, observers, obex.commandLogin);
  } catch (error) {
    obex.stop();
    throw error;
  }
}

/** Undefined where this thread serves by itself; then nothing of workers is even loaded. */
async function prepareWorkers(config: Config) {
  const { workers, listen } = config.obex;
  // A unix socket belongs to one listener; a config that asks for more by number is refused.
  const count = 'path' in listen ? 1 : workers === 'auto' ? availableParallelism() : workers;
  if (count === 1) return undefined;
  const { startPool } = await import('../workers/pool.ts');
  const { createSharedMemory, createSharedMetrics } = await import('../workers/shared-memory.ts');
  const memory = createSharedMemory(config, count);
  return {
    count,
    metrics: createSharedMetrics(memory, count),
    start: (parts: { entry: string; observers: Observers; lines: LineWriter }) =>
      startPool(config, { ...parts, memory, workers: count }),
  };
}
