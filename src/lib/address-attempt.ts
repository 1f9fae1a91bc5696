/** How long one address of a name may take before the next is tried. RFC 8305 §5, as `node:net` does it: one after the other. */

/** Addresses that get their try before the last one, which has the rest of the time. */
const ATTEMPTS = 4;

/**
 * For `autoSelectFamilyAttemptTimeout`, in ms. Node's own 250 ms give an address up before its kernel has sent a lost SYN
 * again, which takes a second (RFC 6298 §2).
 */
export function addressAttemptMs(connectTimeoutMs: number): number {
  return Math.max(1, Math.floor(connectTimeoutMs / ATTEMPTS));
}
