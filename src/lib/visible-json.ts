/** JSON text without a character that a terminal obeys or a reader cannot see. RFC 8259 §7. */

/** DEL and C1, which JSON does not ask to escape; line separators; what turns the direction of text. */
const UNSEEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** `json`: one or more JSON texts, in which such characters can stand within strings alone. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
