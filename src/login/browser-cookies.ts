/** The cookies of a request, as the browser has sent them. RFC 6265bis §5.8.3. */
import type { FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

export interface BrowserCookie {
  readonly name: string;
  readonly value: string;
}

/**
 * Between two of them stand SP and HTAB, and nothing else is taken off: a name that begins with U+00A0 may be set by any
 * site beside ours, and must not turn into one that `__Host-` protects. Ours hold neither blanks nor quotes.
 */
const PAIR = /^[ \t]*([^ \t=]+)=([^ \t]*)[ \t]*$/;

/** Those that could be ours, in their order: browsers send first what they got first (§5.8.3). */
export function browserCookies(fields: FieldLines): readonly BrowserCookie[] {
  return fieldValues(fields, 'cookie')
    .flatMap((line) => line.split(';'))
    .flatMap((pair) => {
      const [, name, value] = PAIR.exec(pair) ?? [];
      return name === undefined || value === undefined ? [] : [{ name, value }];
    });
}
