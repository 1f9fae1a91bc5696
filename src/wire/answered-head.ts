/** What an exchange keeps of a request head while an answer of unknown length goes on: what an access line tells. RFC 9110 §6. */
import { ownText } from '../lib/own-text.ts';
import type { FieldLines, RequestHead } from './exchange.ts';

const NONE: FieldLines = [];

export function answeredHead({ method, target }: RequestHead): RequestHead {
  return { method, target: ownText(target), authority: '', fields: NONE };
}
