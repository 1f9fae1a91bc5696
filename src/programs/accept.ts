/** Which of the two forms of an answer a client takes. RFC 9110 §12.5.1; MCP 2025-11-25 transports: "listing both". */
import type { FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

export interface Accepted {
  readonly json: boolean;
  readonly events: boolean;
}

export function readAccept(fields: FieldLines): Accepted {
  const values = fieldValues(fields, 'accept');
  if (values.length === 0) return { json: true, events: true };
  const ranges = values
    .join(',')
    .split(',')
    .map((range) => range.split(';', 1)[0]?.trim().toLowerCase());
  const takes = (type: string): boolean =>
    ranges.some((range) => range === type || range === '*/*' || range === `${type.split('/', 1)[0]}/*`);
  return { json: takes('application/json'), events: takes('text/event-stream') };
}
