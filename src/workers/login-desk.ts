/** Keeps the login thread: starts it, hands it requests, tells its keys, starts it again when it has died. */
import type { Worker } from 'node:worker_threads';
import { rawPath } from '../lib/raw-path.ts';
import type { FromLogin, LoginOrders, ToLogin } from '../login/messages.ts';
import { errorField } from '../observe/log.ts';
import type { Observers } from '../observe/observers.ts';
import { rateLimitKey } from '../server/client-address.ts';
import { type AskLogin, LoginChannel } from '../state/login-channel.ts';
import type { CommandLogin } from '../state/login-control.ts';
import type { FollowLoginKeys } from '../state/login-keys.ts';
import { LoginLimits } from '../state/login-limits.ts';
import type { LoginThread } from '../state/process-wide.ts';
import { RetryPause } from '../state/retry-pause.ts';
import type { FollowRevocations } from '../state/revoked-tokens.ts';
import { KeptKeys } from './kept-keys.ts';
import { KeptRevocations } from './kept-revocations.ts';
import { LoginCommands } from './login-commands.ts';

export interface LoginDeskOptions {
  readonly observers: Observers;
  createThread(orders: LoginOrders): Worker;
}

/** One thread from its start to its end. */
interface Life {
  readonly thread: Worker;
  readonly channel: LoginChannel;
  readonly commands: LoginCommands;
  readonly sinceMs: number;
  /** Why it could not start, in its own words. */
  problem: string | undefined;
}

/** Who has lived for as long as this has not died of its start: the next pause is a short one again. */
const LONG_LIFE_MS = 60_000;
/** How long a thread may take to end by itself. */
const END_MS = 2_000;

export class LoginDesk implements LoginThread {
  readonly #options: LoginDeskOptions;
  readonly #limits: LoginLimits;
  readonly #pause = new RetryPause(Math.random);
  readonly #keys: KeptKeys;
  readonly #revocations: KeptRevocations;
  #orders: LoginOrders;
  #life: Life | undefined;
  /** Of `start` or `configure`, one at a time. */
  #question: PromiseWithResolvers<void> | undefined;
  #restart: NodeJS.Timeout | undefined;
  #hasStarted = false;
  #isStopped = false;

  constructor(orders: LoginOrders, options: LoginDeskOptions) {
    this.#orders = orders;
    this.#options = options;
    this.#limits = new LoginLimits(orders.options.rateLimit);
    this.#keys = new KeptKeys(options.observers.clock);
    this.#revocations = new KeptRevocations(options.observers.clock);
  }

  get orders(): LoginOrders {
    return this.#orders;
  }

  /** Resolves when it answers; rejects with the reason when it cannot start. Later deaths it survives. */
  async start(): Promise<void> {
    await this.#begin();
    this.#hasStarted = true;
  }

  readonly ask: AskLogin = async (request) => {
    const { clock } = this.#options.observers;
    const channel = this.#life?.channel;
    if (channel === undefined) return { failed: 'down' };
    const path = rawPath(request.target);
    const key = rateLimitKey(request.clientAddress);
    const waitMs = this.#limits.enter(path, key, clock.monotonicMs());
    if (waitMs > 0) return { failed: 'limited', waitMs };
    try {
      return await channel.ask(request);
    } finally {
      this.#limits.leave(path, key);
    }
  };

  /** Of the owner: not limited as requests are. */
  readonly command: CommandLogin = async (command) =>
    (await this.#life?.commands.ask(command)) ?? { kind: 'failed', why: 'down' };

  readonly followKeys: FollowLoginKeys = (accept) => this.#keys.follow(accept);

  readonly followRevocations: FollowRevocations = (accept) => this.#revocations.follow(accept);

  /** Rejects when the thread refuses it: then all is as before. One that is down begins with it. */
  async configure(orders: LoginOrders): Promise<void> {
    if (JSON.stringify(orders) === JSON.stringify(this.#orders)) return;
    if (this.#life !== undefined) await this.#ask({ kind: 'configure', orders });
    this.#orders = orders;
    this.#limits.rates = orders.options.rateLimit;
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#restart);
    const life = this.#life;
    if (life === undefined) return;
    const ended = new Promise<void>((resolve) => {
      life.thread.once('exit', () => resolve());
    });
    const cut = setTimeout(() => void life.thread.terminate(), END_MS);
    if (this.#hasStarted) tell(life.thread, { kind: 'stop' });
    else void life.thread.terminate();
    await ended;
    clearTimeout(cut);
  }

  #begin(): Promise<void> {
    const started = Promise.withResolvers<void>();
    this.#question = started;
    const thread = this.#options.createThread(this.#orders);
    const channel = new LoginChannel((question) => tell(thread, { kind: 'ask', question }));
    const sinceMs = this.#options.observers.clock.monotonicMs();
    const commands = new LoginCommands((id, command) => tell(thread, { kind: 'command', id, command }));
    const life: Life = { thread, channel, commands, sinceMs, problem: undefined };
    this.#life = life;
    this.#keys.beginLife(this.#orders.options.accessTokenTtlMs);
    thread.on('message', (message: FromLogin) => this.#receive(life, message));
    thread.on('error', (error: Error) => this.#onEnded(life, error));
    thread.on('exit', (code) => this.#onEnded(life, new Error(`the login thread has ended with code ${code}`)));
    return started.promise;
  }

  #receive(life: Life, message: FromLogin): void {
    switch (message.kind) {
      case 'started':
      case 'configured':
        life.problem = undefined;
        return this.#question?.resolve();
      case 'refused':
        life.problem = message.problem;
        return this.#question?.reject(new Error(message.problem));
      case 'keys':
        return this.#keys.accept(message.keys);
      case 'revocations':
        return this.#revocations.accept(message.revocations);
      case 'commanded':
        return life.commands.receive(message.id, message.outcome);
      case 'reply':
        return life.channel.receive(message.reply);
      case 'lines':
        return this.#options.observers.accessLines.write(message.text);
    }
  }

  #ask(message: ToLogin): Promise<void> {
    const question = Promise.withResolvers<void>();
    this.#question = question;
    if (this.#life !== undefined) tell(this.#life.thread, message);
    return question.promise;
  }

  #onEnded(life: Life, error: Error): void {
    if (this.#life !== life) return;
    this.#life = undefined;
    life.channel.close();
    life.commands.close();
    this.#question?.reject(error);
    if (this.#isStopped || !this.#hasStarted) return;
    const { clock, log } = this.#options.observers;
    if (clock.monotonicMs() - life.sinceMs >= LONG_LIFE_MS) this.#pause.reset();
    const pauseMs = this.#pause.next();
    log.error('login_thread_failed', { error: life.problem ?? errorField(error), restart_in_ms: Math.round(pauseMs) });
    this.#restart = setTimeout(() => this.#beginAgain(), pauseMs);
  }

  #beginAgain(): void {
    const { log } = this.#options.observers;
    // Of a failure its end will tell.
    this.#begin().then(
      () => log.info('login_thread_restarted'),
      () => undefined,
    );
  }
}

function tell(thread: Worker, message: ToLogin): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
  thread.postMessage(message);
}
