/** The two layouts of a config file: sections at the top level, or nested under `obex:`. Afterwards there is one. */
import { SECTION_NAMES } from './catalogue.ts';
import type { Draft } from './draft.ts';
import { isRecord } from './path.ts';

/** Moves sections that stand under `obex:` to the top level. A section in both places is a problem. */
export function flattenLayout(draft: Draft): void {
  const obex = draft.valueAt(['obex']);
  if (!isRecord(obex)) return;
  for (const section of SECTION_NAMES) {
    if (section === 'obex' || !Object.hasOwn(obex, section)) continue;
    const nested = ['obex', section];
    const content = draft.valueAt(nested);
    if (draft.valueAt([section]) === undefined) {
      draft.set([section], content);
      draft.nest(section);
    } else {
      const line = draft.lineOf([section]);
      draft.report(nested, `stands in two places, here and at the top level (line ${line}); keep one`);
    }
    draft.remove(nested);
  }
}
