/** The keys with which backends verify assertions, readable by anybody. RFC 7517 §8.5.1. */
import type { Endpoint, Respond } from '../endpoint.ts';
import { respondWith } from '../respond.ts';

/** For a short time, so that a new key is found: no cache on the way knows that a backend looks for one. */
const CACHE_CONTROL = 'public, max-age=60';

/** `format` gives JSON text: keys come and go while Obex runs. */
export function createKeySetEndpoint(format: () => string): Endpoint {
  const fields = ['Content-Type', 'application/jwk-set+json', 'Cache-Control', CACHE_CONTROL] as const;
  const respond: Respond = (life) => respondWith(life, 200, { fields, body: format() });
  return { respond, isPublic: true, isVital: false, isQuiet: false };
}
