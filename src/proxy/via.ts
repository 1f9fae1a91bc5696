/** Who has passed a request on: Obex says so to the backend, and knows a loop by it. RFC 9110 §7.6.3, RFC 5842 §7.2. */
import type { FieldLines } from '../wire/exchange.ts';
import { isNamed } from '../wire/known-names.ts';

/** Whether this process has passed the request on before. `pseudonym` is random: no client can know or have it by chance. */
export function isLoop(fields: FieldLines, pseudonym: string): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    if (isNamed(fields[at] ?? '', 'via') && (fields[at + 1] ?? '').includes(pseudonym)) return true;
  }
  return false;
}
