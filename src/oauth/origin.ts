/** Which web origins may call. RFC 6454 §6.2, Fetch §3.2; against DNS rebinding and cross-site calls. */
import { isLoopbackHost } from '../lib/loopback.ts';

export interface OriginPolicyOptions {
  readonly publicUrl: URL;
  /** Serialised origins, or `*` for any but `null`. */
  readonly allowedOrigins: readonly string[];
}

/** Judges the value of an Origin field; true = allowed. */
export type OriginPolicy = (origin: string) => boolean;

/**
 * Allows the public URL's origin, the configured ones and, when the public URL is on loopback, every loopback origin.
 * Browsers send origins serialised (lower case, no default port), so they are compared as strings. `null`, which every
 * sandboxed page sends, never passes.
 */
export function createOriginPolicy(options: OriginPolicyOptions): OriginPolicy {
  const allowed = new Set([options.publicUrl.origin, ...options.allowedOrigins]);
  const allowsAny = allowed.has('*');
  const allowsLoopback = isLoopbackHost(options.publicUrl.hostname);
  return (origin) => {
    if (!SERIALISED.test(origin)) return false;
    if (allowed.has(origin)) return true;
    return allowsAny || (allowsLoopback && isLoopbackOrigin(origin));
  };
}

function isLoopbackOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && url.origin === origin && isLoopbackHost(url.hostname);
}

/** RFC 6454 §6.2: scheme, host and port, nothing behind. `null` and a list of origins are not of this form. */
const SERIALISED = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,]+$/;
