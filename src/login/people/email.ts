/** E-mail addresses that can be compared: the plain ones. RFC 5321 §2.4, §4.1.2. */

/** In lower case. */
export interface EmailAddress {
  readonly whole: string;
  readonly domain: string;
}

/** §4.5.3.1.3. */
const MAX_CHARACTERS = 254;
/** Dot-string or nearly so, "@", a domain: one "@", no quotes, no spaces, no comments, nothing beyond ASCII. */
const PLAIN = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)$/;

/**
 * Undefined for what two programs could read differently. §2.4: the case of a local part may matter to its host; no mail
 * service of today gives `Ann` and `ann` to two people.
 */
export function parseEmail(text: string): EmailAddress | undefined {
  const domain = text.length > MAX_CHARACTERS ? undefined : PLAIN.exec(text)?.[1];
  // All of it is ASCII here, so that lower case folds nothing but A to Z (the Kelvin sign would become "k").
  return domain === undefined ? undefined : { whole: text.toLowerCase(), domain: domain.toLowerCase() };
}

/** Whether a configured address or domain means the same as one in lower case. */
export function equalsFolded(configured: string, lower: string): boolean {
  return (
    configured.length === lower.length && configured.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase()) === lower
  );
}
