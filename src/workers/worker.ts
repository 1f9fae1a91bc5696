/** A worker thread: one Obex among several on the same port, which does as the main thread says. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { unpackConfig } from '../config/portable.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Obex, type PreparedReload, startObex } from '../obex.ts';
import { GatheredLines } from '../observe/gathered-lines.ts';
import { errorField } from '../observe/log.ts';
import { createObservers, type Observers } from '../observe/observers.ts';
import { ProgramMetrics } from '../observe/program-metrics.ts';
import { LoginChannel } from '../state/login-channel.ts';
import { KeyLink } from './followed-keys.ts';
import type { Birth, FromWorker, ToWorker } from './messages.ts';
import { createSharedMetrics } from './shared-memory.ts';
import { SharedTruth } from './shared-truth.ts';

/** Serves until the main thread ends it. */
export function runWorker(clock = systemClock): void {
  if (parentPort === null) throw new Error('this thread is no worker');
  const port = parentPort;
  const birth: Birth = workerData;
  const worker = new Worker(birth, port, clock);
  port.on('message', (message: ToWorker) => void worker.receive(message));
}

class Worker {
  readonly #birth: Birth;
  readonly #post: (message: FromWorker) => void;
  readonly #lines: GatheredLines;
  readonly #link: KeyLink;
  readonly #login: LoginChannel;
  readonly #shared: SharedTruth;
  readonly #observers: Observers;
  #obex: Obex | undefined;
  #prepared: PreparedReload | undefined;

  constructor(birth: Birth, port: MessagePort, clock: Clock) {
    this.#birth = birth;
    this.#post = (message) => {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread is no window
      port.postMessage(message);
    };
    this.#lines = new GatheredLines((text) => this.#post({ kind: 'lines', text }));
    process.on('exit', () => this.#lines.flush());
    this.#link = new KeyLink(this.#post);
    this.#login = new LoginChannel((question) => this.#post({ kind: 'login', question }));
    const { memory, programs } = birth;
    const door = programs && { ...programs, metrics: new ProgramMetrics(programs.metrics) };
    this.#shared = new SharedTruth(memory, {
      link: this.#link,
      askLogin: this.#login.ask,
      programs: door,
      index: birth.index,
    });
    const metrics = createSharedMetrics(birth.memory, birth.index);
    this.#observers = createObservers(birth.handOver.config.log.level, this.#lines, { metrics, clock });
  }

  async receive(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'listen':
        return this.#orRefuse(() => this.#listen(message.port));
      case 'prepare':
        return this.#orRefuse(() => this.#prepare(message.handOver));
      case 'commit':
        return this.#orRefuse(() => this.#commit());
      case 'discard':
        return this.#prepared?.discard();
      case 'drain':
        await this.#obex?.drain();
        return process.exit(0);
      case 'keys':
        return this.#link.receive(message.snapshot);
      case 'ticket_keys':
        return this.#shared.receiveTicketKeys(message.keys);
      case 'refreshed':
        return this.#link.receiveRefreshed(message.id, message.isJoined);
      case 'revocations':
        return this.#shared.revokedTokens.replace(message.revocations);
      case 'login_reply':
        return this.#login.receive(message.reply);
    }
  }

  async #orRefuse(attempt: () => void | Promise<void>): Promise<void> {
    try {
      await attempt();
    } catch (error) {
      this.#post({ kind: 'refused', problem: errorField(error) });
    }
  }

  async #listen(port: number): Promise<void> {
    const { handOver, index } = this.#birth;
    const { config, files, rateLimits, servers } = handOver;
    Object.assign(this.#shared, { rateLimits, servers });
    const seat = { shared: this.#shared, files, port, listensForMetrics: index === 0 };
    this.#obex = await startObex(unpackConfig(config), this.#observers, seat);
    this.#post({ kind: 'listening', url: this.#obex.url, port: this.#obex.port });
  }

  #prepare({ config, files, rateLimits, servers }: Birth['handOver']): void {
    this.#prepared = undefined;
    Object.assign(this.#shared, { rateLimits, servers });
    this.#prepared = this.#obex?.prepare(unpackConfig(config), files);
    this.#post({ kind: 'done' });
  }

  #commit(): void {
    this.#prepared?.commit();
    this.#post({ kind: 'done' });
  }
}
