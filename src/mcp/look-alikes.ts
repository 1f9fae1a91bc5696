/** Member names that a careless decoder takes for others. A message that has one could be read in two ways. */
import type { JsonObject } from '../lib/json-text.ts';

export interface DecidingNames {
  /** Nobody takes these for others: the names themselves, and some that are common beside them. */
  readonly exact: ReadonlySet<string>;
  readonly folded: ReadonlySet<string>;
}

export function decidingNames(names: readonly string[], common: readonly string[] = []): DecidingNames {
  return { exact: new Set([...names, ...common]), folded: new Set(names.map(foldCase)) };
}

/**
 * Whether an object has a member that somebody takes for one of `deciding` and is none: Go, .NET, Java and cJSON find names
 * whatever their case, json/v2 also without `-` and `_`, and readers in C end a name at NUL.
 */
export function hasLookAlike(object: JsonObject, { exact, folded }: DecidingNames): boolean {
  for (const name of Object.keys(object)) {
    if (exact.has(name)) continue;
    const plain = foldCase(name);
    if (folded.has(plain) || folded.has(plain.replace(/[-_]/g, ''))) return true;
  }
  return false;
}

/** Unicode's simple folding: `ſ` is s, `K` (Kelvin) is k; and the two letters i of Turkish, which are one without case. */
function foldCase(name: string): string {
  const end = name.indexOf('\0');
  const text = end === -1 ? name : name.slice(0, end);
  return text.toUpperCase().toLowerCase().replaceAll('\u0307', '');
}
