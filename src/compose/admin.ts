/** Config → the control listener, for the thread that has the whole process in its hands. */
import type { Config } from '../config/schema.ts';
import type { Observers } from '../observe/observers.ts';
import type { CommandLogin } from '../state/login-control.ts';
import type { WireServer } from '../wire/exchange.ts';
import { MAX_CONTROL_CONNECTIONS } from './descriptors.ts';

export interface Admin {
  /** What a reload has brought is in force. */
  update(config: Config): void;
  stop(): void;
}

/** Undefined without `admin.listen`; then nothing of it is even loaded. Rejects with an error that a person can act on. */
export async function startAdmin(
  config: Config,
  observers: Observers,
  commandLogin: CommandLogin | undefined,
): Promise<Admin | undefined> {
  const { listen } = config.admin;
  if (listen === undefined) return undefined;
  let { token } = config.admin;
  const { listenForControl } = await import('../admin/listen.ts');
  const server: WireServer = await listenForControl(listen, MAX_CONTROL_CONNECTIONS, {
    command: commandLogin ?? (async () => ({ kind: 'failed', why: 'no_login' })),
    token: () => token,
    clock: observers.clock,
    log: observers.log,
    onBug: (error) => observers.engine.onBug(error),
  });
  return {
    update: ({ admin }) => {
      ({ token } = admin);
    },
    stop: () => server.destroy(),
  };
}
