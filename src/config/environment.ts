/** `OBEX_*` environment variables: overrides for single values. They never lower the phase. */
import { isScalar, LEAVES } from './catalogue.ts';
import type { Draft } from './draft.ts';
import type { Environment } from './expand.ts';
import { override } from './override.ts';
import type { Path } from './path.ts';
import { TWIN_SUFFIX, twinOf } from './secret-files.ts';
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
    if (path !== undefined) override(draft, path, { origin: variable, name: '', value: text, cure: 'unset it' });
    else if (NOT_SCALAR.has(variable)) draft.reportOrigin(variable, '', notScalar(NOT_SCALAR.get(variable)));
    else draft.warnings.push(unknownVariable(variable));
  }
}

function notScalar(path: string | undefined): string {
  return `${path} is not a single value, so it cannot be set by a variable; set it in the file, where values may hold \${VAR}`;
}

function unknownVariable(variable: string): string {
  const [hint] = nearest(variable, [...OVERRIDES.keys()]);
  return `${variable} is ignored: no value of the config has this name${hint === undefined ? '' : `; did you mean ${hint}?`}`;
}
