/** A worker thread: one Obex among several on the same port, which does as the main thread says. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { unpackConfig } from '../config/portable.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { type Obex, type PreparedReload, startObex } from '../obex.ts';
import { errorField, type LineSink } from '../observe/log.ts';
import { createObservers, type Observers } from '../observe/observers.ts';
import { KeyLink } from './followed-keys.ts';
import type { Birth, FromWorker, ToWorker } from './messages.ts';
import { createSharedMetrics, SharedTruth } from './shared-memory.ts';

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
  readonly #lines: Lines;
  readonly #link: KeyLink;
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
    this.#lines = new Lines((text) => this.#post({ kind: 'lines', text }));
    process.on('exit', () => this.#lines.flush());
    this.#link = new KeyLink(this.#post);
    this.#shared = new SharedTruth(birth.memory, this.#link);
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
    const { config, files, rateLimits } = handOver;
    this.#shared.rateLimits = rateLimits;
    const seat = { shared: this.#shared, files, port, listensForMetrics: index === 0 };
    this.#obex = await startObex(unpackConfig(config), this.#observers, seat);
    this.#post({ kind: 'listening', url: this.#obex.url, port: this.#obex.port });
  }

  #prepare({ config, files, rateLimits }: Birth['handOver']): void {
    this.#prepared = undefined;
    this.#shared.rateLimits = rateLimits;
    this.#prepared = this.#obex?.prepare(unpackConfig(config), files);
    this.#post({ kind: 'done' });
  }

  #commit(): void {
    this.#prepared?.commit();
    this.#post({ kind: 'done' });
  }
}

/** Waking the main thread costs as much as a request, so lines travel together. */
const LINES_PAUSE_MS = 10;

/** Lines on their way to the main thread, which alone writes, so that they stay whole. */
class Lines implements LineSink {
  readonly #send: (text: string) => void;
  #waiting = '';

  constructor(send: (text: string) => void) {
    this.#send = send;
  }

  write(line: string): void {
    if (this.#waiting === '') setTimeout(() => this.flush(), LINES_PAUSE_MS);
    this.#waiting += line;
  }

  flush(): void {
    const text = this.#waiting;
    this.#waiting = '';
    if (text !== '') this.#send(text);
  }
}
