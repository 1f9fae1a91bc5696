/** The login thread's end of the line to the main thread. */
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { GatheredLines } from '../observe/gathered-lines.ts';
import { createLog, errorField, type Log } from '../observe/log.ts';
import type { LoginOutcome, LoginQuestion, LoginRequest } from '../state/login-channel.ts';
import type { FromLogin, LoginOrders, ToLogin } from './messages.ts';
import type { LoginOptions } from './options.ts';
import type { LoginHooks, LoginServer } from './server.ts';

export type StartLoginServer = (options: LoginOptions, hooks: LoginHooks) => Promise<LoginServer>;

/** Starts the server and answers the main thread until it says stop; ends the thread when it cannot start. */
export async function attend(port: MessagePort, orders: LoginOrders, start: StartLoginServer): Promise<void> {
  const post = (message: FromLogin): void => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
    port.postMessage(message);
  };
  const lines = new GatheredLines((text) => post({ kind: 'lines', text }));
  process.on('exit', () => lines.flush());
  const log = createLog(orders.level, lines);
  try {
    const server = await start(orders.options, {
      clock: systemClock,
      log,
      onKeys: (keys) => post({ kind: 'keys', keys }),
      onRevocations: (revocations) => post({ kind: 'revocations', revocations }),
    });
    const attendant = new Attendant(server, log, post);
    port.on('message', (message: ToLogin) => void attendant.receive(message));
    post({ kind: 'started' });
  } catch (error) {
    post({ kind: 'refused', problem: errorField(error) });
    process.exit(1);
  }
}

class Attendant {
  readonly #server: LoginServer;
  readonly #log: Log;
  readonly #post: (message: FromLogin) => void;

  constructor(server: LoginServer, log: Log, post: (message: FromLogin) => void) {
    this.#server = server;
    this.#log = log;
    this.#post = post;
  }

  async receive(message: ToLogin): Promise<void> {
    switch (message.kind) {
      case 'ask':
        return this.#answer(message.question);
      case 'command':
        return this.#post({
          kind: 'commanded',
          id: message.id,
          outcome: await this.#server.command(message.command),
        });
      case 'configure':
        return this.#configure(message.orders);
      case 'stop':
        await this.#server.stop();
        return process.exit(0);
    }
  }

  async #answer({ id, request }: LoginQuestion): Promise<void> {
    this.#post({ kind: 'reply', reply: { id, outcome: await this.#handle(request) } });
  }

  async #handle(request: LoginRequest): Promise<LoginOutcome> {
    try {
      return await this.#server.handle(request);
    } catch (error) {
      this.#log.error('internal_error', {
        request_id: request.requestId,
        error: errorField(error),
        stack: error instanceof Error ? error.stack : undefined,
      });
      return { failed: 'bug' };
    }
  }

  async #configure({ options, level }: LoginOrders): Promise<void> {
    try {
      await this.#server.configure(options);
      this.#log.setLevel(level);
      this.#post({ kind: 'configured' });
    } catch (error) {
      this.#post({ kind: 'refused', problem: errorField(error) });
    }
  }
}
