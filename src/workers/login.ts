/** The login thread as the main thread has it: started with the process, told of reloads. */
import { randomBytes } from 'node:crypto';
import { buildLoginOrders } from '../compose/login.ts';
import type { Config } from '../config/schema.ts';
import type { Observers } from '../observe/observers.ts';
import type { LoginDesk } from './login-desk.ts';

const SECRET_BYTES = 32;

/** One a process, for as long as it runs. */
export class Login {
  readonly desk: LoginDesk;
  readonly #secret: string;

  constructor(desk: LoginDesk, secret: string) {
    this.desk = desk;
    this.#secret = secret;
  }

  /** The first half of a reload, which reads the files; the second puts it in force, or rejects and leaves all as it was. */
  prepare(config: Config): () => Promise<void> {
    const orders = buildLoginOrders(config, this.#secret);
    return async () => orders && this.desk.configure(orders);
  }
}

/** Undefined without `login`; then nothing of it is even loaded. Rejects with an error that a person can act on. */
export async function startLogin(config: Config, observers: Observers): Promise<Login | undefined> {
  if (config.login === undefined) return undefined;
  // Not the thread's own: it would be another one after its death, and nothing in the store could be read.
  const secret = config.obex.secret ?? randomBytes(SECRET_BYTES).toString('base64url');
  const orders = buildLoginOrders(config, secret);
  if (orders === undefined) return undefined;
  if (config.obex.secret === undefined) {
    observers.log.info('secret_made_at_start', { key: 'obex.secret', used_for: 'login' });
  }
  const { LoginDesk } = await import('./login-desk.ts');
  const { startLoginThread } = await import('./thread.ts');
  const desk = new LoginDesk(orders, { observers, createThread: startLoginThread });
  try {
    await desk.start();
  } catch (cause) {
    await desk.stop();
    throw new Error(`login: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
  return new Login(desk, secret);
}
