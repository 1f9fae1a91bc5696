/** The fields that a Connection field names belong to one connection only. RFC 9110 §7.6.1. */
import type { FieldLines } from '../wire/exchange.ts';

const NONE: ReadonlySet<string> = new Set();

/** Lower-case names of the fields that this message's Connection fields name. */
export function connectionOptions(fields: FieldLines): ReadonlySet<string> {
  let options: Set<string> | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.toLowerCase() !== 'connection') continue;
    options ??= new Set();
    for (const option of (fields[at + 1] ?? '').split(',')) options.add(option.trim().toLowerCase());
  }
  return options ?? NONE;
}
