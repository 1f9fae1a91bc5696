/** Signals from the first instant on: nothing that comes during the start is lost, and none opens Node's debugger. POSIX signal(7). */

const HELD = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
const ENDING = ['SIGTERM', 'SIGINT'] as const;

export type Signal = (typeof HELD)[number] | (typeof ENDING)[number];

/** Who has the signals of this process. */
export interface Signals {
  /** From now on every signal goes to `receive`, beginning with those that have waited, each kind once. */
  handOver(receive: (signal: Signal) => void): void;
  /** SIGHUP, SIGTERM and SIGINT end the process again, at once for a SIGHUP that has waited. SIGUSR1 and SIGUSR2 do nothing. */
  release(): void;
}

declare global {
  /** The launcher of the release and its program are two bundles: what one has caught, the other must know of. */
  var obexSignals: Signals | undefined;
}

/** The first call catches them, so it comes before anything that takes time. For the main thread: no other hears signals. */
export function catchSignals(): Signals {
  globalThis.obexSignals ??= new CaughtSignals();
  return globalThis.obexSignals;
}

class CaughtSignals implements Signals {
  readonly #waiting = new Set<Signal>();
  #receive: ((signal: Signal) => void) | undefined;

  constructor() {
    // A listener for SIGUSR1 takes the place of the one by which Node opens its debugger.
    for (const signal of HELD) process.on(signal, this.#take);
    // The kernel drops what would end process 1 by default. Everywhere else the default is the surest end: it needs no turn
    // of the event loop.
    if (process.pid === 1) for (const signal of ENDING) process.on(signal, endProcessOne);
    closeDebugger();
    // Node opens it once more in the next turn of the event loop, to be sure.
    setImmediate(closeDebugger).unref();
  }

  handOver(receive: (signal: Signal) => void): void {
    closeDebugger();
    this.#receive = receive;
    // In this order: without any listener for a moment, Node would forget a signal that is on its way to one.
    for (const signal of ENDING) process.on(signal, this.#take).off(signal, endProcessOne);
    for (const signal of this.#waiting) receive(signal);
    this.#waiting.clear();
  }

  release(): void {
    this.#receive = () => {};
    for (const signal of ['SIGHUP', ...ENDING] as const) process.off(signal, this.#take);
    if (this.#waiting.delete('SIGHUP')) process.kill(process.pid, 'SIGHUP');
  }

  readonly #take = (signal: NodeJS.Signals): void => {
    const known = [...HELD, ...ENDING].find((name) => name === signal);
    if (known === undefined) return;
    if (this.#receive === undefined) this.#waiting.add(known);
    else this.#receive(known);
  };
}

/** As a shell tells of a process that a signal has ended. */
function endProcessOne(_signal: NodeJS.Signals, number: number): never {
  process.exit(128 + number);
}

/**
 * Started with `--disable-sigusr1`, as all that is shipped is, Node never opens its debugger. Without, a SIGUSR1 that came
 * before the listener has opened it.
 */
function closeDebugger(): void {
  const options = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');
  const isWanted = /--inspect(?:-brk|-wait)?(?:[= ]|$)/.test(options);
  if (isWanted || process.execArgv.includes('--disable-sigusr1')) return;
  const inspector = process.getBuiltinModule('node:inspector');
  if (inspector.url() !== undefined) inspector.close();
}
