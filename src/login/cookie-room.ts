/** How much the logins of one browser may weigh together: more, and proxies in front would refuse its requests. RFC 6265bis §5.5. */
import type { FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import type { LoginParts } from './parts.ts';

/** Names and separators too. nginx takes 8 KB of a line: consents, and the cookies of others at this host, have to fit as well. */
const MAX_BYTES = 6_000;

export interface CookiesMade {
  readonly flowId: string;
  /** Set-Cookie fields of that flow, which are about to be answered. */
  readonly made: FieldLines;
  /** Of the request. */
  readonly fields: FieldLines;
}

/** Clears whole logins, those that the browser began first, until that of `flowId` fits in with what is made. */
export function makeRoom({ flow, state }: LoginParts['cookies'], { flowId, made, fields }: CookiesMade): FieldLines {
  const own = flow.shorten(flowId);
  const flows = flow.held(fields);
  const states = state.held(fields);
  // One that is replaced counts twice, which is a few hundred bytes.
  let carried = weightOf(made) + (flows.get(own) ?? 0) + (states.get(own) ?? 0);
  // A state without its flow is good for nothing.
  const orphans = [...states.keys()].filter((id) => id !== own && !flows.has(id));
  const given = [...flows]
    .filter(([id]) => id !== own)
    .toReversed()
    .filter(([id, bytes]) => {
      carried += bytes + (states.get(id) ?? 0);
      return carried >= MAX_BYTES;
    })
    .map(([id]) => id);
  return [
    ...given.flatMap((id) => flow.clear(id)),
    ...[...given.filter((id) => states.has(id)), ...orphans].flatMap((id) => state.clear(id)),
  ];
}

/** As the browser will send them: `name=value; `. */
function weightOf(made: FieldLines): number {
  return fieldValues(made, 'set-cookie').reduce((sum, line) => sum + line.indexOf(';') + '; '.length, 0);
}
