/** Whether a POST says that its body is JSON in UTF-8, as it is. RFC 9110 §8.3, §8.4; RFC 8259 §8.1, §11. */

/** `charset` means nothing for JSON (RFC 8259 §11), but some servers go by it. */
const JSON_IN_UTF8 = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8")[ \t]*)?$/i;

/** The values of all Content-Type and Content-Encoding fields: one of the first, none of the second, not even `identity`. */
export function isJsonBody(contentTypes: readonly string[], contentEncodings: readonly string[]): boolean {
  return contentTypes.length === 1 && JSON_IN_UTF8.test(contentTypes[0] ?? '') && contentEncodings.length === 0;
}
