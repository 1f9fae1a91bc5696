/** Tells a client that has finished sending from one that has gone: both are a FIN. RFC 9112 §9.6, RFC 9293 §3.6. */

/**
 * Milliseconds after the FIN at which a byte is sent. The first makes the peer's kernel answer with a reset if the
 * socket is closed there, the second meets that reset; the others are for slow networks.
 */
const NUDGES_AT_MS = [0, 1, 10, 100, 1000];

/** Sends a harmless byte, or returns false when there is none to send now. */
export type SendNudge = () => boolean;

/** Nudges until there is no more need; the returned function stops it. */
export function nudgeHalfClosed(send: SendNudge): () => void {
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  const next = (): void => {
    if (!send()) return;
    const sentAtMs = NUDGES_AT_MS[count] ?? 0;
    count += 1;
    const nextAtMs = NUDGES_AT_MS[count];
    if (nextAtMs !== undefined) timer = setTimeout(next, nextAtMs - sentAtMs);
  };
  next();
  return () => clearTimeout(timer);
}
