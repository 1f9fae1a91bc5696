/** The fields that a Connection field names belong to one connection only. RFC 9110 §7.6.1. */
import type { FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

const NONE: ReadonlySet<string> = new Set();

/** Lower-case names of the fields that this message's Connection fields name. */
export function connectionOptions(fields: FieldLines): ReadonlySet<string> {
  const values = fieldValues(fields, 'connection');
  if (values.length === 0 || (values.length === 1 && values[0] === 'keep-alive')) return NONE;
  return new Set(
    values
      .join(',')
      .split(',')
      .map((option) => option.trim().toLowerCase()),
  );
}
