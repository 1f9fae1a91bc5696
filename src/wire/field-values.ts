/** Reading field lines by name. RFC 9110 §5.1: names are case-insensitive. */
import type { FieldLines } from './exchange.ts';
import { isNamed } from './known-names.ts';

/** Every value of a field, in order; `name` in lower case. */
export function fieldValues(fields: FieldLines, name: string): readonly string[] {
  let values: string[] | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    if (!isNamed(fields[at] ?? '', name)) continue;
    values ??= [];
    values.push(fields[at + 1] ?? '');
  }
  return values ?? NONE;
}

const NONE: readonly string[] = [];
