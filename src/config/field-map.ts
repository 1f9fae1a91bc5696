/** A map whose keys are header names: every name judged, no two of them the same header. RFC 9110 §5.1. */
import * as z from 'zod/mini';
import { foldName } from '../lib/fold-name.ts';
import { FIELD_NAME } from './field-name.ts';
import { isRecord } from './path.ts';

export interface FieldMapRules {
  /** What the map looks like: "expected header names with …, such as …". */
  readonly wanted: string;
  /** Why a field may not be named; `folded` is the name as `foldName` has it. */
  nameFault(folded: string): string | undefined;
  /** Why a value may not stand there. */
  valueFault(value: unknown): string | undefined;
}

type FieldMap = Readonly<Record<string, string>>;

/** Field name → value, names as written. Adds one issue for each bad name or value. */
export function parseFieldMap(rules: FieldMapRules): (given: unknown, payload: z.core.ParsePayload) => FieldMap {
  return (given, { issues }) => {
    const value = given ?? {};
    if (!isRecord(value)) {
      issues.push({ code: 'custom', input: given, message: rules.wanted });
      return z.NEVER;
    }
    const fields: [string, string][] = [];
    const names = new Map<string, string>();
    for (const [name, content] of Object.entries(value)) {
      const twin = names.get(foldName(name));
      const fault =
        nameFault(name, rules) ??
        (twin === undefined ? rules.valueFault(content) : `is the same header as ${twin}; delete one`);
      names.set(foldName(name), name);
      if (fault !== undefined) issues.push({ code: 'custom', input: content, message: fault, path: [shownName(name)] });
      else if (typeof content === 'string') fields.push([name, content]);
    }
    return Object.fromEntries(fields);
  };
}

function nameFault(name: string, rules: FieldMapRules): string | undefined {
  if (!FIELD_NAME.test(name)) return 'is not a legal header name: use letters, digits and "-"';
  return rules.nameFault(foldName(name));
}

/** An illegal name may be a whole `Name: secret` line, so it is shown up to what is illegal in it. */
function shownName(name: string): string {
  return FIELD_NAME.test(name) ? name : `${/^[!#$%&'*+.^_`|~0-9A-Za-z-]*/.exec(name)?.[0] ?? ''}…`;
}
