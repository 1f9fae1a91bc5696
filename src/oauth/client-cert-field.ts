/** The certificate that a proxy in front forwards in Client-Cert. RFC 9440 §2.2, RFC 9651 §3.3.5, §4.2. */

/** RFC 9651 §3.3.5, with the padding of §4.2.7: right, or left out. */
const BYTE_SEQUENCE = /^:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?):$/;

/**
 * `lines`: values without the white space around them. Returns the DER bytes, which nobody has looked at; undefined for
 * what is no byte sequence. Several lines are one list (RFC 9651 §4.2), and so none. Nor is an empty one a certificate: it
 * is what is left of a template without its value.
 */
export function parseClientCert(lines: readonly string[]): Uint8Array | undefined {
  const [line = '', ...others] = lines;
  if (others.length > 0) return undefined;
  const base64 = BYTE_SEQUENCE.exec(line)?.[1] ?? '';
  return base64 === '' ? undefined : Buffer.from(base64, 'base64');
}
