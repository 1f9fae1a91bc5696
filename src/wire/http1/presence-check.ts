/** Tells a client that waits for its answer from one that has gone, where its socket cannot. RFC 9112 §9.6, RFC 9293 §3.6. */
import { contained } from '../contain.ts';
import type { MessageWriter } from './message-writer.ts';

/**
 * Milliseconds after the doubt has come up at which a byte is sent. The first makes the peer's kernel answer with a reset
 * if the socket is closed there, the second meets that reset; the others are for slow networks.
 */
const FIRST_NUDGES_AT_MS = [0, 1, 10, 100, 1000];
/** From then on, for a client that goes later, as long as its answer takes. */
const NUDGE_PERIOD_MS = 5000;

/** Whose client may have gone. */
export interface Nudged {
  /** Sends a byte that belongs to the answer anyhow, or does nothing when there is none to send. */
  nudge(): void;
}

interface Timed {
  readonly nowMs: number;
  readonly limits: { readonly idleTimeoutMs: number };
}

/**
 * It is in doubt when the client has sent its FIN, and when the socket cannot be read, so that neither a FIN nor a reset
 * would show. Then a byte is sent now and then. While an answer is waited for, HTTP/1.1 has as many as it takes: they make
 * up interim responses. An HTTP/1.0 client has the nine of the version, an idle answer in chunks ten zeros until its
 * next chunk, any other answer none: a comment in an event stream would be a byte of the backend's answer, and not ours to
 * send. When they are used up and the answer brings nothing either, the client is taken for gone after `idleTimeoutMs`;
 * else those who go at the right moment would keep their place at the backend for good.
 */
export class PresenceCheck {
  readonly #writer: MessageWriter;
  readonly #timed: Timed;
  #nudged: Nudged | undefined = undefined;
  #timer: NodeJS.Timeout | undefined = undefined;
  #nextNudgeMs = 0;
  #handedOver = 0;
  #deadlineMs = 0;

  constructor(writer: MessageWriter, timed: Timed) {
    this.#writer = writer;
    this.#timed = timed;
  }

  /** From now on, until `trust`, or another exchange. */
  doubt(nudged: Nudged): void {
    if (this.#nudged === nudged) return;
    const { nowMs, limits } = this.#timed;
    this.trust();
    this.#nudged = nudged;
    this.#handedOver = this.#writer.handedOver;
    this.#deadlineMs = nowMs + limits.idleTimeoutMs;
    this.#nextNudgeMs = nowMs + NUDGE_PERIOD_MS;
    this.#nudgeFrom(0);
  }

  trust(): void {
    if (this.#nudged === undefined) return;
    clearTimeout(this.#timer);
    this.#nudged = undefined;
  }

  /** To be asked every now and then. */
  isGone(nowMs: number): boolean {
    if (this.#nudged === undefined) return false;
    const { handedOver } = this.#writer;
    if (handedOver !== this.#handedOver) {
      this.#handedOver = handedOver;
      this.#deadlineMs = nowMs + this.#timed.limits.idleTimeoutMs;
    }
    if (nowMs >= this.#nextNudgeMs) {
      this.#nextNudgeMs = nowMs + NUDGE_PERIOD_MS;
      this.#nudged.nudge();
    }
    return nowMs >= this.#deadlineMs;
  }

  #nudgeFrom(count: number): void {
    this.#nudged?.nudge();
    const nextAtMs = FIRST_NUDGES_AT_MS[count + 1];
    if (nextAtMs === undefined) return;
    const next = contained(this.#writer, () => this.#nudgeFrom(count + 1));
    this.#timer = setTimeout(next, nextAtMs - (FIRST_NUDGES_AT_MS[count] ?? 0));
  }
}
