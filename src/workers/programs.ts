/** The programs thread as the main thread has it: started with the process, told of reloads. */
import { refuseBrokenPrograms } from '../compose/program-faults.ts';
import { buildProgramsOptions } from '../compose/programs.ts';
import type { Config } from '../config/schema.ts';
import type { Observers } from '../observe/observers.ts';
import type { ProgramsDoor } from '../state/process-wide.ts';
import type { ProgramsDesk } from './programs-desk.ts';

/** One a process, for as long as it runs. */
export class Programs {
  readonly #desk: ProgramsDesk;

  constructor(desk: ProgramsDesk) {
    this.#desk = desk;
  }

  get door(): ProgramsDoor {
    const { place, metrics } = this.#desk;
    return { ...place, metrics };
  }

  /** The first half of a reload, which looks at what it names; the second puts it in force, or rejects and leaves all as it was. */
  prepare(config: Config): () => Promise<void> {
    refuseBrokenPrograms(config);
    const options = buildProgramsOptions(config);
    return async () => options && this.#desk.configure(options, config.log.level);
  }

  /** What was in flight has had its time. */
  stop(): Promise<void> {
    return this.#desk.stop(0);
  }
}

/** Undefined where the backend is no program; then nothing of it is even loaded. Rejects with an error that a person can act on. */
export async function startPrograms(config: Config, observers: Observers): Promise<Programs | undefined> {
  const options = buildProgramsOptions(config);
  if (options === undefined) return undefined;
  refuseBrokenPrograms(config);
  const { ProgramsDesk } = await import('./programs-desk.ts');
  const { startProgramsThread } = await import('./thread.ts');
  const desk = new ProgramsDesk(options, config.log.level, { observers, createThread: startProgramsThread });
  try {
    await desk.start();
  } catch (cause) {
    await desk.stop(0);
    throw new Error(`backend: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return new Programs(desk);
}
