/** The Protected Resource Metadata document, readable by anybody and written once. RFC 9728 §3.2. */
import type { Respond } from '../endpoint.ts';
import { respondWith } from '../respond.ts';

/** `document` is JSON text. */
export function createMetadataEndpoint(document: string): Respond {
  const fields = ['Content-Type', 'application/json', 'Cache-Control', 'public, max-age=3600'] as const;
  return (life) => respondWith(life, 200, { fields, body: document });
}
