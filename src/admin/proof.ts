/** Proof that a command comes from somebody who holds `admin.token`, and its answer from Obex. Whoever else has the port learns no token. RFC 2104. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { deriveKey, type KeyUse } from '../lib/derive-key.ts';

export const SCHEME = 'Obex-Control';
/** Of the answer. */
export const ANSWER_PROOF = 'X-Obex-Control-Proof';

/** What is proved of a request. */
export interface Proved {
  readonly target: string;
  readonly body: Uint8Array;
}

/** How far the clocks of one machine may be apart, and how long a proof is good. */
const WINDOW_MS = 60_000;
const KEY_BYTES = 32;
const NONCE_BYTES = 16;
const PROOF = /^Obex-Control (\d{1,12})\.([\w-]{22})\.([\w-]{43})$/;

/** The value of Authorization, and what the answer must prove to know. */
export function proveRequest(token: string, request: Proved, nowMs: number): { value: string; nonce: string } {
  const seconds = String(Math.floor(nowMs / 1000));
  const nonce = randomBytes(NONCE_BYTES).toString('base64url');
  return { value: `${SCHEME} ${seconds}.${nonce}.${macOfRequest(token, request, [seconds, nonce])}`, nonce };
}

export function proveAnswer(token: string, nonce: string, answer: { status: number; body: Uint8Array }): string {
  return mac(token, 'control answers', [nonce, String(answer.status)], answer.body);
}

export function isSame(one: string, other: string): boolean {
  const [first, second] = [Buffer.from(one), Buffer.from(other)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** Each proof counts once. */
export class ControlProofs {
  readonly #clock: Clock;
  /** Only good ones get here, so nobody can fill it. */
  readonly #used = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The nonce, for the proof of the answer; undefined when it proves nothing. */
  accept(token: string, value: string, request: Proved): string | undefined {
    const [, seconds = '', nonce = '', proof = ''] = PROOF.exec(value) ?? [];
    const nowMs = this.#clock.nowMs();
    if (proof === '' || Math.abs(nowMs - Number(seconds) * 1000) > WINDOW_MS) return undefined;
    if (!isSame(proof, macOfRequest(token, request, [seconds, nonce]))) return undefined;
    for (const [used, untilMs] of this.#used) if (untilMs < this.#clock.monotonicMs()) this.#used.delete(used);
    if (this.#used.has(nonce)) return undefined;
    // From the end of the window that lies ahead, if this clock was behind, to that of the one behind.
    this.#used.set(nonce, this.#clock.monotonicMs() + 3 * WINDOW_MS);
    return nonce;
  }
}

function macOfRequest(token: string, { target, body }: Proved, [seconds, nonce]: readonly [string, string]): string {
  return mac(token, 'control requests', [seconds, nonce, target], body);
}

/** No part holds a line end. */
function mac(token: string, ...[use, parts, body]: [use: KeyUse, parts: readonly string[], body: Uint8Array]): string {
  const key = deriveKey(token, use, KEY_BYTES);
  return createHmac('sha256', key)
    .update(`${parts.join('\n')}\n`)
    .update(body)
    .digest('base64url');
}
