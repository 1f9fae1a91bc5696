/** How far an OPTIONS request may go; of other methods the field says nothing. RFC 9110 §7.6.2. */
import type { FieldLines, RequestHead } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { isNamed } from '../wire/known-names.ts';

/** The largest number that Obex counts to. */
const MOST_FORWARDS = 2 ** 31 - 1;

/** Whether the request is for Obex itself. */
export function isForThisHop({ method, fields }: RequestHead): boolean {
  return method === 'OPTIONS' && fieldValues(fields, 'max-forwards').some((value) => /^0+$/.test(value));
}

/** The fields of an OPTIONS request that goes on. */
export function countForward(fields: FieldLines): FieldLines {
  return fields.map((part, at) => {
    const isCount = at % 2 === 1 && isNamed(fields[at - 1] ?? '', 'max-forwards') && /^\d+$/.test(part);
    return isCount ? String(Math.min(Number(part) - 1, MOST_FORWARDS)) : part;
  });
}
