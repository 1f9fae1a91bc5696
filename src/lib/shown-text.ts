/** What strangers wrote, so that a person sees all of it and nothing else. Unicode TR 36 §3, UAX #9, UAX #44. */

/** Controls, what turns the direction of text, what has no width: all that a reader cannot see. */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800]+/gu;

/** Emoji carry them, and they change nothing but the shape of the character before. */
const VARIATION_SELECTORS = /[\ufe0e\ufe0f]/g;

/** Line ends too: a name is one line. */
const SPACES = /[\t-\r\p{Z}]+/gu;

/** No script needs more marks on one letter; a hundred would cover the lines around. */
const PILED_MARKS = /(\p{M}{4})\p{M}+/gu;

/** A name is cut there, in characters. */
const NAME_LENGTH = 80;

/** One line of at most `length` characters; unseen ones are shown as U+FFFD, a cut as "…". */
export function shownText(text: string, length: number): string {
  // Before anything else is done to it: what a page costs must not go by what a stranger sends.
  const start = text.slice(0, 8 * length);
  const plain = start.replace(SPACES, ' ').replace(VARIATION_SELECTORS, '').replace(UNSEEN, '\ufffd');
  const characters = Array.from(plain.replace(PILED_MARKS, '$1').trim());
  const whole = characters.length <= length && start.length === text.length;
  return whole ? characters.join('') : `${characters.slice(0, length).join('')}…`;
}

/** A name that somebody gave itself; undefined where nothing of it can be read. */
export function shownName(name: string | undefined): string | undefined {
  const shown = shownText(name ?? '', NAME_LENGTH);
  return /[\p{L}\p{N}\p{P}\p{S}]/u.test(shown.replaceAll('\ufffd', '')) ? shown : undefined;
}
