/** Which web origins may call. RFC 6454 §6.2, Fetch §3.2; against DNS rebinding and cross-site calls. */
import { isLoopbackHost } from '../lib/loopback.ts';

export interface OriginPolicyOptions {
  readonly publicUrl: URL;
  /** Serialised origins, or `*` for any but `null`. */
  readonly allowedOrigins: readonly string[];
}

/** Judges the value of an Origin field. */
export type OriginPolicy = (origin: string) => 'allowed' | 'refused';

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
    if (origin === 'null' || origin === '*') return 'refused';
    if (allowsAny || allowed.has(origin)) return 'allowed';
    return allowsLoopback && isLoopbackOrigin(origin) ? 'allowed' : 'refused';
  };
}

function isLoopbackOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url !== null && url.origin === origin && isLoopbackHost(url.hostname);
}
