/** Strings that hold on to nothing else. */
import { Buffer } from 'node:buffer';

/**
 * The same characters in a place of their own. V8 cuts and joins strings by reference: a piece keeps the whole text alive
 * that it was cut from, and a text that was put together remains a chain of all its parts.
 */
export function ownText(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('latin1');
}
