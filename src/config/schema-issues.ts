/** What the schema found, turned into problems that a person can act on. */
import type * as z from 'zod/mini';
import { LEAVES, LIST_ITEM, SECTIONS } from './catalogue.ts';
import type { Draft } from './draft.ts';
import type { LeafInfo } from './leaf.ts';
import { formatPattern, isRecord, type Path } from './path.ts';
import type { Refusal } from './refused.ts';
import { explainUnknownKey } from './suggest.ts';

/** An empty `idp:` or `login:` must not pass for an absent one: that would switch authentication off. */
const EMPTY_CURES: Readonly<Record<string, string>> = {
  idp: 'give it at least its issuer (idp.issuer); without idp, Obex would authenticate nobody',
  login: 'give it at least client_id, client_secret and allow; without login and idp, Obex would authenticate nobody',
};

/** Reports every issue whose path has no problem yet. What is missing only because its name is misspelt is no second one. */
export function reportIssues(draft: Draft, issues: readonly z.core.$ZodIssue[]): void {
  for (const issue of issues) if (issue.code === 'unrecognized_keys') reportUnknownKeys(draft, issue);
  for (const issue of issues) {
    const path = pathOf(issue);
    if (issue.code === 'unrecognized_keys' || draft.isAtFault(path)) continue;
    if (draft.valueAt(path) === undefined && isBelowFault(draft, path)) continue;
    if (issue.code === 'custom') reportCustom(draft, path, issue);
    else draft.reportRefusal(path, wrongShape(draft, path));
  }
}

function reportUnknownKeys(draft: Draft, issue: z.core.$ZodIssueUnrecognizedKeys): void {
  const path = pathOf(issue);
  for (const key of issue.keys) {
    const { message, meant } = explainUnknownKey(key, path);
    draft.report([...path, key], message);
    if (meant !== undefined && draft.valueAt(meant) === undefined) draft.blame(meant);
  }
}

function isBelowFault(draft: Draft, path: Path): boolean {
  return path.some((_, index) => draft.isAtFault(path.slice(0, index)));
}

function pathOf(issue: z.core.$ZodIssue): Path {
  return issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
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
  const pattern = formatPattern(path);
  const leaf = LEAVES.find((known) => known.path.join('.') === pattern);
  if (leaf !== undefined) return { message: `expected a list such as ${flowList(leaf.info)}`, got: { value } };
  if (value === null) return { message: `is empty; ${EMPTY_CURES[pattern] ?? 'give it its keys, or delete it'}` };
  const isList = SECTIONS.some((section) => section.path.join('.') === `${pattern}.${LIST_ITEM}`);
  const map = flowMap(isList ? `${pattern}.${LIST_ITEM}` : pattern, value);
  return isList
    ? { message: 'expected a list of maps', got: { value }, cure: `write [${map}]` }
    : { message: 'expected a map of keys', got: { value }, cure: `write ${map}` };
}

/** The example of a list, or else its default, as it would stand on one line. */
function flowList({ example, default: fallback }: LeafInfo): string {
  const items = example ?? fallback;
  return Array.isArray(items) ? `[${items.join(', ')}]` : '[…]';
}

/** A section on one line, with its required keys. A single value was most likely meant for the first of its keys. */
function flowMap(pattern: string, given: unknown): string {
  const [first, ...others] = LEAVES.filter(({ path }) => path.slice(0, -1).join('.') === pattern);
  const entries = [first, ...others.filter(({ info }) => info.required)].flatMap((leaf, index) => {
    if (leaf === undefined) return [];
    const sample = leaf.info.example ?? leaf.info.default;
    const fits = index === 0 && typeof given === typeof sample && mayBeRepeated(given);
    return `${leaf.path.at(-1)}: ${JSON.stringify(fits ? given : sample)}`;
  });
  return `{ ${entries.join(', ')} }`;
}

/** One value, and no text that `describeValue` would hide or cut. */
function mayBeRepeated(value: unknown): boolean {
  return typeof value === 'string' ? /^[\x20-\x3f\x41-\x7e]{1,80}$/.test(value) : typeof value !== 'object';
}
