/** What an exchange keeps of a request head when its answer has begun: no more than an access line tells. RFC 9110 §6. */
import { ownText } from '../lib/own-text.ts';
import type { FieldLines, RequestHead, ResponseHead } from './exchange.ts';

const NONE: FieldLines = [];

export function answeredHead({ method, target }: RequestHead, { length }: ResponseHead): RequestHead {
  // An answer of known length is soon over; the target of another must not keep the whole head, which it was cut from.
  return { method, target: length === undefined ? ownText(target) : target, authority: '', fields: NONE };
}
