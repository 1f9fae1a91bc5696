/** The threads beside those that serve, each where the configuration wants it: the login, and the programs. */
import type { Config } from '../config/schema.ts';
import type { Observers } from '../observe/observers.ts';
import { type Login, startLogin } from './login.ts';
import { type Programs, startPrograms } from './programs.ts';

export class Staff {
  readonly login: Login | undefined;
  readonly programs: Programs | undefined;

  constructor(login: Login | undefined, programs: Programs | undefined) {
    this.login = login;
    this.programs = programs;
  }

  /** The first half of a reload, which reads files; the second puts it in force, or rejects and leaves all as it was. */
  prepare(config: Config): () => Promise<void> {
    const configureLogin = this.login?.prepare(config);
    const configurePrograms = this.programs?.prepare(config);
    return async () => {
      await configureLogin?.();
      await configurePrograms?.();
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
    return new Staff(login, await startPrograms(config, observers));
  } catch (error) {
    await login?.desk.stop();
    throw error;
  }
}
