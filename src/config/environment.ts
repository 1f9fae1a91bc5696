/** `OBEX_*` environment variables: overrides for single values. They never lower the phase. */
import { isScalar, LEAVES } from './catalogue.ts';
import type { Draft } from './draft.ts';
import type { Environment } from './expand.ts';
import type { Path } from './path.ts';
import { SECRET_PATHS, TWIN_SUFFIX, twinOf } from './secret-files.ts';
import { nearest } from './suggest.ts';

const PREFIX = 'OBEX_';
/** OBEX_CONFIG names the file; Kubernetes injects the others for a service called "obex". */
const SILENT = /^OBEX_(CONFIG$|SERVICE_|PORT($|_))/;

/** Variable → path of the value that it overrides, `_FILE` twins of secrets included. */
export const OVERRIDES: ReadonlyMap<string, Path> = new Map<string, Path>([
  ...LEAVES.filter(isScalar).map(({ variable, path }): [string, Path] => [variable, path]),
  ...LEAVES.filter((leaf) => leaf.info.secret && isScalar(leaf)).map(({ variable, path }): [string, Path] => [
    variable + TWIN_SUFFIX.toUpperCase(),
    twinOf(path),
  ]),
]);

/** Lists and maps: known, but no single text can hold them. */
const NOT_SCALAR = new Map(
  LEAVES.filter((leaf) => !isScalar(leaf)).map(({ variable, path }) => [variable, path.join('.')]),
);

/** Puts the `OBEX_*` variables over the values of the file. */
export function applyOverrides(draft: Draft, env: Environment): void {
  for (const [variable, text] of Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (!variable.startsWith(PREFIX) || SILENT.test(variable) || text === undefined) continue;
    const path = OVERRIDES.get(variable);
    if (path !== undefined) override(draft, path, { variable, text });
    else if (NOT_SCALAR.has(variable)) draft.reportVariable(variable, notScalar(NOT_SCALAR.get(variable)));
    else draft.warnings.push(unknownVariable(variable));
  }
}

function override(draft: Draft, path: Path, { variable, text }: { variable: string; text: string }): void {
  const [section] = path;
  if ((section === 'backend' || section === 'resource') && draft.valueAt(['servers']) !== undefined) {
    return draft.reportVariable(
      variable,
      `is for one server, and ${draft.file} names servers; unset it, and write it there`,
    );
  }
  // Ignored, it could start Obex with less protection than was meant; taken for a value, it would say something else.
  if (text === '') return draft.reportVariable(variable, 'is empty; give it a value, or unset it');
  if (variable === 'OBEX_DPOP_ENABLED' && text !== 'true' && isTrue(draft.valueAt(path))) {
    return draft.reportVariable(variable, `cannot switch off what ${draft.file} demands; change dpop.enabled there`);
  }
  draft.remove(alternativeOf(path));
  draft.set(path, text);
  draft.setFromVariable(path, variable);
}

/** Of a secret and its `_file` twin, the one that a variable sets wins over the other one in the file. */
function alternativeOf(path: Path): Path {
  return SECRET_PATHS.find((secret) => twinOf(secret).join('.') === path.join('.')) ?? twinOf(path);
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}

function notScalar(path: string | undefined): string {
  return `${path} is not a single value, so it cannot be set by a variable; set it in the file, where values may hold \${VAR}`;
}

function unknownVariable(variable: string): string {
  const [hint] = nearest(variable, [...OVERRIDES.keys()]);
  return `${variable} is ignored: no value of the config has this name${hint === undefined ? '' : `; did you mean ${hint}?`}`;
}
