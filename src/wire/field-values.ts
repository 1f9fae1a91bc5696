/** Reading field lines by name. RFC 9110 §5.1: names are case-insensitive. */
import type { FieldLines } from './exchange.ts';

/** Every value of a field, in order; `name` in lower case. */
export function fieldValues(fields: FieldLines, name: string): readonly string[] {
  let values: string[] | undefined;
  const first = name.charCodeAt(0);
  for (let at = 0; at < fields.length; at += 2) {
    const candidate = fields[at] ?? '';
    // Most names differ in length or first letter, and need no lower case to be told apart.
    if (candidate.length !== name.length || (candidate.charCodeAt(0) | 0x20) !== first) continue;
    if (candidate.toLowerCase() !== name) continue;
    values ??= [];
    values.push(fields[at + 1] ?? '');
  }
  return values ?? NONE;
}

const NONE: readonly string[] = [];
