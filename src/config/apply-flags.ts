/** Puts the values of the command line over those of environment and file. Any single value or list, but no secret. */
import { isList, LEAVES, LIST_ITEM, SECTIONS } from './catalogue.ts';
import type { Draft } from './draft.ts';
import { OVERRIDES } from './environment.ts';
import { itemsOf } from './expand.ts';
import { type FlagValue, SET } from './flags.ts';
import { override } from './override.ts';
import { formatPath, type Path } from './path.ts';
import { SECRET_PATHS, TWIN_SUFFIX } from './secret-files.ts';
import { explainUnknownKey } from './suggest.ts';

const SCALARS = new Set([...OVERRIDES.values()].map((path) => path.join('.')));
const SECRETS = new Set(SECRET_PATHS.map((path) => path.join('.')));
const BY_KEY = new Map(LEAVES.map((leaf) => [leaf.path.join('.'), leaf]));
const SECTION_KEYS = new Map(SECTIONS.map(({ path, keys }) => [path.join('.'), keys]));
const LISTS_OF_MAPS = new Set(
  SECTIONS.filter(({ path }) => path.at(-1) === LIST_ITEM).map(({ path }) => path.slice(0, -1).join('.')),
);

/** A backend is a URL or a program: the one on the command line takes the place of the other. */
const RIVALS: Readonly<Record<string, readonly string[]>> = {
  'backend.url': ['command', 'args'],
  'backend.command': ['url'],
};

export function applyFlags(draft: Draft, values: readonly FlagValue[]): void {
  for (const value of values) apply(draft, value);
}

function apply(draft: Draft, { flag, key, value: written }: FlagValue): void {
  const path = key.split('.');
  const refusal = SCALARS.has(key) && !SECRETS.has(key) ? undefined : refusalOf(key, path);
  if (refusal !== undefined) return draft.reportOrigin(flag, formatPath(path), refusal);
  const name = flag === SET ? key : '';
  const value = readValue(path, written);
  override(draft, path, { origin: flag, name, value, cure: 'leave it out' });
  for (const rival of value === '' ? [] : (RIVALS[key] ?? [])) draft.remove(['backend', rival]);
}

/** A list without any value is as empty as a text without any. */
function readValue(path: Path, written: string | readonly string[]): string | readonly string[] {
  if (typeof written !== 'string' || !isList(path)) return written;
  const items = itemsOf(written);
  return items.length === 0 ? '' : items;
}

/** Never quotes the value. */
function refusalOf(key: string, path: readonly string[]): string | undefined {
  if (SECRETS.has(key)) {
    return `is a secret, and every user of this machine can read command lines; write it to a file and set ${key}${TWIN_SUFFIX}=PATH`;
  }
  const names = path.map((name) => name.replace(/\[.*$/, ''));
  for (const [index, name] of names.entries()) {
    const above = names.slice(0, index);
    const here = [...above, name].join('.');
    const kind = BY_KEY.get(here)?.info.kind;
    if (kind === 'map' || LISTS_OF_MAPS.has(here)) {
      const what = kind === 'map' ? 'a map' : 'a list of maps';
      return `${here} is ${what}, which no flag can hold; write it in a file, and name that with --config`;
    }
    if (kind === 'list' && here !== key) return 'is part of a list; set all of it, with commas between its values';
    if (kind !== undefined && here !== key) return `unknown key; ${here} is a single value`;
    if (kind === undefined && !SECTION_KEYS.has(here)) return explainUnknownKey(name, above).message;
  }
  const keys = SECTION_KEYS.get(key);
  return keys === undefined ? undefined : `is a section; set one of its keys: ${keys.join(', ')}`;
}
