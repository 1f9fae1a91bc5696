/** Secrets that all replicas must hold alike. RFC 5869 §3.3: a weak one stays weak, whatever is derived from it. */
import type * as z from 'zod/mini';
import { leaf, optional } from './leaf.ts';
import { refuseSilently } from './refused.ts';

const SHORTEST = 32;

/** Undefined when it is absent. `meaning` is for the docs. */
export function sharedSecret(meaning: string): z.ZodMiniType<string | undefined> {
  return optional(
    leaf(
      {
        kind: 'string',
        json: { type: 'string' },
        optional: true,
        secret: true,
        meaning: `${meaning} At least ${SHORTEST} characters.`,
      },
      parseSharedSecret,
    ),
  );
}

function parseSharedSecret(value: unknown) {
  if (typeof value === 'string' && value.length >= SHORTEST) return value;
  return refuseSilently(`expected at least ${SHORTEST} characters, such as the output of "openssl rand -base64 32"`);
}
