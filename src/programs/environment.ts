/** What a program finds in its environment: little of Obex's own, which holds secrets. environ(7). */
import type { ProgramOptions } from './options.ts';
import type { ProgramUser } from './user.ts';

type Environment = Readonly<Record<string, string>>;

const ALWAYS = ['PATH', 'HOME', 'LANG'] as const;

/** The same for all processes of a server: what the configuration says last counts. */
export function baseEnvironment(options: ProgramOptions, user: ProgramUser | undefined): Environment {
  const home = user?.home === undefined ? {} : { HOME: user.home };
  return { ...pick(ALWAYS), ...home, ...pick(options.passEnv), ...options.env };
}

function pick(names: readonly string[]): Environment {
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = process.env[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}
