/** `${VAR}` and `${VAR:-default}` in the text values of a tree; `$${` is a literal `${`. After YAML, so a value stays a value. */
import { isList } from './catalogue.ts';
import type { Draft } from './draft.ts';
import { isRecord, type Path } from './path.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const PLACEHOLDER = /\$\$\{|\$\{([^}]*)\}|\$\{/g;
const VARIABLE = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** Expands every text of the draft. A missing or empty variable without default is a problem; keys are left alone. */
export function expandVariables(draft: Draft, env: Environment): void {
  draft.replaceRoot(expand(draft.root, [], { draft, env }));
}

interface Context {
  readonly draft: Draft;
  readonly env: Environment;
}

function expand(value: unknown, path: Path, context: Context): unknown {
  if (typeof value === 'string') return expandValue(value, path, context);
  if (Array.isArray(value)) return value.map((item, index) => expand(item, [...path, index], context));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, expand(child, [...path, key], context)]));
}

/** A variable holds one text, so that one in the place of a list names its values with commas between them. */
function expandValue(value: string, path: Path, context: Context): unknown {
  const text = expandText(value, path, context);
  if (!value.includes('${') || !isList(path)) return text;
  const items = itemsOf(text);
  for (const index of items.keys())
    context.draft.hide([...path, index], 'a value that came from a variable (not shown)');
  return items;
}

/** The values of a list that stands in one text, with commas between them. */
export function itemsOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function expandText(text: string, path: Path, { draft, env }: Context): string {
  return text.replaceAll(PLACEHOLDER, (placeholder: string, inside: string | undefined) => {
    if (placeholder === '$${') return '${';
    const [, name, fallback] = VARIABLE.exec(inside ?? '') ?? [];
    if (name === undefined || fallback?.includes('${') === true) {
      draft.report(path, 'expected ${NAME} or ${NAME:-default} (not nested); write $${ for a literal "${"');
      return '';
    }
    draft.hide(path, `a value that came from \${${name}} (not shown)`);
    const found = env[name];
    // As in a shell, ":-" stands in for an empty variable too.
    if (found !== undefined && found !== '') return found;
    if (fallback === undefined) draft.report(path, missing(name, found));
    return fallback ?? '';
  });
}

function missing(name: string, found: string | undefined): string {
  const state = found === undefined ? 'is not set' : 'is empty';
  return `the environment variable ${name} ${state}; set it, or give a default: \${${name}:-default}`;
}
