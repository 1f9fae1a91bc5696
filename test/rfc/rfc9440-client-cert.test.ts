/** RFC 9440: the certificate that a proxy in front forwards, as one byte sequence of RFC 9651. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseClientCert } from '../../src/oauth/client-cert-field.ts';

/** Appendix A, as far as the encoding goes; what the bytes are matters to nobody here. */
const DER = Buffer.from('MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6', 'base64');

describe('RFC 9440 §2.2: "a Byte Sequence … The value of the header is encoded as described in Section 2.1"', () => {
  it('gives the bytes back, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 5000 }), (bytes) => {
        const line = `:${Buffer.from(bytes).toString('base64')}:`;
        assert.deepEqual(parseClientCert([line]), Buffer.from(bytes));
      }),
    );
  });

  it('RFC 9651 §4.2.7: "parsers SHOULD NOT fail on base64 data that … has no padding"', () => {
    assert.deepEqual(parseClientCert([':MIIB:']), Buffer.from('MIIB', 'base64'));
    for (const line of [':MII=:', ':MII:']) assert.deepEqual(parseClientCert([line]), Buffer.from('MII=', 'base64'));
    for (const line of [':MA==:', ':MA:']) assert.deepEqual(parseClientCert([line]), Buffer.from('MA==', 'base64'));
  });

  const base64 = DER.toString('base64');
  const other: readonly (readonly [string, readonly string[]])[] = [
    ['"MUST NOT … occur multiple times in a request": two lines', [`:${base64}:`, `:${base64}:`]],
    ['two lines, the first empty', ['', `:${base64}:`]],
    ['"MUST NOT have multiple list members"', [`:${base64}:, :${base64}:`]],
    ['no certificate: what is left of a template without its value', ['::']],
    ['nothing', ['']],
    ['no colons', [base64]],
    ['no second colon', [`:${base64}`]],
    ['no first colon', [`${base64}:`]],
    ['more behind it', [`:${base64}:x`]],
    ['a parameter, of which it has none', [`:${base64}:;a=1`]],
    ['a String', [`"${base64}"`]],
    ['a Token', ['MIIB']],
    ['base64url', [':MII-MII_:']],
    ['padding in the middle', [':MA==MA==:']],
    ['padding that is too short', [':MA=:']],
    ['padding that is too long', [':MII==:']],
    ['a length that no bytes have', [':MIIBM:']],
    ['a space within', [':MIIB MIIB:']],
    ['a line feed behind', [`:${base64}:\n`]],
    ['PEM', ['-----BEGIN CERTIFICATE----- MIIB -----END CERTIFICATE-----']],
    ['PEM as nginx escapes it', ['-----BEGIN%20CERTIFICATE-----%0AMIIB%0A-----END%20CERTIFICATE-----%0A']],
    ['PEM within', [':-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----:']],
    ['what is no ASCII', [':MIIé:']],
  ];
  for (const [name, lines] of other) {
    it(`is nothing for ${name}`, () => assert.equal(parseClientCert(lines), undefined));
  }

  it('reads a field as long as a head may be in no time worth naming', () => {
    assert.equal(parseClientCert([`:${'A'.repeat(65_533)}!:`]), undefined);
    assert.equal(parseClientCert([`:${'='.repeat(65_533)}:`]), undefined);
    assert.equal(parseClientCert([' '.repeat(65_535)]), undefined);
    assert.equal(parseClientCert([`:${' '.repeat(65_535)}x`]), undefined);
  });
});
