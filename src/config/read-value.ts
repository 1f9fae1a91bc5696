/** Single values of a draft, for rules that look at several of them. */
import type * as z from 'zod/mini';
import type { Draft } from './draft.ts';
import type { Path } from './path.ts';
import { Refused } from './refused.ts';

/** The value at a path, parsed; undefined when it is absent, wrong or already at fault. */
export function read<T>(draft: Draft, path: Path, schema: z.ZodMiniType<T>): T | undefined {
  if (draft.isAtFault(path)) return undefined;
  const result = schema.safeParse(draft.valueAt(path));
  return result.success ? result.data : undefined;
}

/** The items of a list that are right, with their places; none when it is no list. */
export function readItems(
  draft: Draft,
  path: Path,
  parse: (value: unknown) => string | Refused,
): readonly { readonly path: Path; readonly value: string }[] {
  const list = draft.valueAt(path);
  const items: readonly unknown[] = Array.isArray(list) ? list : [];
  return items.flatMap((item, index) => {
    const value = parse(item);
    const place = [...path, index];
    return value instanceof Refused || draft.isAtFault(place) ? [] : [{ path: place, value }];
  });
}
