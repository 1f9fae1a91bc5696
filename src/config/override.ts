/** One value put over those of the file, by the environment or the command line. It never lowers the phase. */
import type { Draft } from './draft.ts';
import type { Path } from './path.ts';
import { SECRET_PATHS, twinOf } from './secret-files.ts';

export interface Override {
  /** The variable or the flag, for problems. */
  readonly origin: string;
  /** Which value it is about, where `origin` alone does not say it; else empty. */
  readonly name: string;
  readonly value: string | readonly string[];
  /** What to do with one that is empty, beside giving it a value. */
  readonly cure: string;
}

export function override(draft: Draft, path: Path, { origin, name, value, cure }: Override): void {
  const isOfOne = path[0] === 'backend' || path[0] === 'resource';
  if (isOfOne && draft.valueAt(['servers']) !== undefined) {
    const message = `is for one server, and ${draft.originOf(['servers'])} names servers; ${cure}, and write it there`;
    return draft.reportOrigin(origin, name, message);
  }
  // Ignored, it could start Obex with less protection than was meant; taken for a value, it would say something else.
  if (value === '') return draft.reportOrigin(origin, name, `is empty; give it a value, or ${cure}`);
  if (path.join('.') === 'dpop.enabled' && value !== 'true' && isTrue(draft.valueAt(path))) {
    const message = `cannot switch off what ${draft.originOf(path)} demands; change dpop.enabled there`;
    return draft.reportOrigin(origin, name, message);
  }
  draft.remove(alternativeOf(path));
  draft.set(path, value);
  draft.noteOrigin(path, origin);
}

/** Of a secret and its `_file` twin, the one that is set here wins over the other one in the file. */
function alternativeOf(path: Path): Path {
  return SECRET_PATHS.find((secret) => twinOf(secret).join('.') === path.join('.')) ?? twinOf(path);
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true';
}
