/** What the schema found, turned into problems that a person can act on. */
import type { z } from 'zod';
import { LEAVES, LIST_ITEM } from './catalogue.ts';
import type { Draft } from './draft.ts';
import type { LeafInfo } from './leaf.ts';
import { isRecord, type Path } from './path.ts';
import type { Refusal } from './refused.ts';
import { explainUnknownKey } from './suggest.ts';

/** An empty `idp:` must not pass for an absent one: that would switch authentication off. */
const EMPTY_CURES: Readonly<Record<string, string>> = {
  idp: 'give it at least its issuer (idp.issuer); without idp, Obex would authenticate nobody',
};

/** Reports every issue whose path has no problem yet. */
export function reportIssues(draft: Draft, issues: readonly z.core.$ZodIssue[]): void {
  for (const issue of issues) {
    const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) draft.report([...path, key], explainUnknownKey(key, path));
    } else if (draft.isAtFault(path)) continue;
    else if (issue.code === 'custom') reportCustom(draft, path, issue);
    else draft.reportRefusal(path, wrongShape(draft, path));
  }
}

function reportCustom(draft: Draft, path: Path, issue: z.core.$ZodIssueCustom): void {
  const { got, cure }: Record<string, unknown> = issue.params ?? {};
  draft.reportRefusal(path, {
    message: issue.message,
    ...(isRecord(got) ? { got: { value: got['value'] } } : {}),
    ...(typeof cure === 'string' ? { cure } : {}),
  });
}

/** A text where a list or a map must be, or the other way round. */
function wrongShape(draft: Draft, path: Path): Refusal {
  const value = draft.valueAt(path);
  if (path.length === 0)
    return { message: 'expected a map of sections (obex:, backend:, resource:, …)', got: { value } };
  const pattern = path.map((step) => (typeof step === 'number' ? LIST_ITEM : step)).join('.');
  const leaf = LEAVES.find((known) => known.path.join('.') === pattern);
  if (leaf !== undefined) return { message: `expected a list such as ${flow(leaf.info)}`, got: { value } };
  if (value === null) return { message: `is empty; ${EMPTY_CURES[pattern] ?? 'give it its keys, or delete it'}` };
  const isList = LEAVES.some((known) => known.path.join('.').startsWith(`${pattern}.${LIST_ITEM}`));
  return { message: isList ? 'expected a list of maps' : 'expected a map of keys', got: { value } };
}

/** The example of a list, or else its default, as it would stand on one line. */
function flow({ example, default: fallback }: LeafInfo): string {
  const items = example ?? fallback;
  return Array.isArray(items) ? `[${items.join(', ')}]` : '[…]';
}
