/** Every socket that was accepted, on every transport, until it is closed: counted in and out once, and not too many. RFC 9112 §9.5. */
import type { Socket } from 'node:net';
import type { Tally } from '../../lib/tally.ts';
import type { EngineWatcher, ServerLimits } from '../exchange.ts';
import type { Sweep, Watched } from './timing.ts';

/** Connections beyond `maxConnections`, in all threads together: enough for the probes of whoever runs Obex. */
export const RESERVE = 32;
/** How long one of them lasts at most: long enough for a probe, too short to fill the reserve by waiting. */
const RESERVE_MS = 1500;

export interface AcceptedSocketsOptions {
  readonly tally: Tally;
  readonly sweep: Sweep;
  readonly watcher: EngineWatcher;
  limits(): ServerLimits;
  /** False when the process has no file descriptor left for another connection and its request at the backend. */
  hasDescriptors(): boolean;
}

export class AcceptedSockets implements Watched {
  readonly #options: AcceptedSocketsOptions;
  readonly #sockets = new Set<Socket>();
  /** When those in the reserve are closed. */
  readonly #reserve = new Map<Socket, number>();

  constructor(options: AcceptedSocketsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** Counts it in, unless there are too many: then it is destroyed. */
  admit(socket: Socket): 'admitted' | 'overloaded' | 'refused' {
    const { tally, sweep, watcher, limits, hasDescriptors } = this.#options;
    const { maxConnections } = limits();
    const isTooMany = tally.add() > maxConnections + RESERVE;
    if (isTooMany || !hasDescriptors()) {
      tally.remove();
      socket.destroy();
      watcher.onAcceptFailure(isTooMany ? 'max_connections' : 'descriptors', undefined);
      return 'refused';
    }
    this.#sockets.add(socket);
    if (tally.total <= maxConnections) return 'admitted';
    this.#reserve.set(socket, sweep.nowMs + RESERVE_MS);
    sweep.add(this);
    return 'overloaded';
  }

  /** It is closed. Returns false when that was known. */
  forget(socket: Socket): boolean {
    this.#reserve.delete(socket);
    if (this.#reserve.size === 0) this.#options.sweep.delete(this);
    if (!this.#sockets.delete(socket)) return false;
    this.#options.tally.remove();
    return true;
  }

  checkDeadlines(nowMs: number): void {
    for (const [socket, deadlineMs] of this.#reserve) if (nowMs >= deadlineMs) socket.destroy();
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  onBug(error: unknown): void {
    this.#options.watcher.onBug(error);
  }
}
