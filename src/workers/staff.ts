/** The threads beside those that serve, each where the configuration wants it: the login, and the programs. */
import type { Config } from '../config/schema.ts';
import type { Observers } from '../observe/observers.ts';
import { type Login, startLogin } from './login.ts';
import { type Programs, startPrograms } from './programs.ts';

export class Staff {
  readonly login: Login | undefined;
  readonly programs: Programs | undefined;
  #config: Config;

  constructor(config: Config, login: Login | undefined, programs: Programs | undefined) {
    this.#config = config;
    this.login = login;
    this.programs = programs;
  }

  /** The first half of a reload, which reads files; the second puts it in force, or rejects and leaves all as it was. */
  prepare(config: Config): () => Promise<void> {
    const configureLogin = this.login?.prepare(config);
    const configurePrograms = this.programs?.prepare(config);
    return async () => {
      await configurePrograms?.();
      try {
        await configureLogin?.();
      } catch (error) {
        // They take back what they have run until now.
        await this.programs?.prepare(this.#config)();
        throw error;
      }
      this.#config = config;
    };
  }

  async stop(): Promise<void> {
    await Promise.all([this.login?.desk.stop(), this.programs?.stop()]);
  }
}

/** Rejects with an error that a person can act on. */
export async function hireStaff(config: Config, observers: Observers): Promise<Staff> {
  const login = await startLogin(config, observers);
  try {
    return new Staff(config, login, await startPrograms(config, observers));
  } catch (error) {
    await login?.desk.stop();
    throw error;
  }
}
