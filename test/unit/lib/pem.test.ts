/** Certificates in PEM form: all of them or what is wrong, where OpenSSL reads as far as it can and says nothing. RFC 7468. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseCertificates } from '../../../src/lib/pem.ts';
import { createCertificate } from '../../support/certificate.ts';

const { cert: a, key } = createCertificate('a');
const { cert: b } = createCertificate('b');
const GARBLED = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';

/** The common names of what is in the text, or what is wrong with it. */
function read(pem: string): string | readonly string[] {
  const parsed = parseCertificates(pem);
  return typeof parsed === 'string' ? parsed : parsed.map(({ subject }) => subject);
}

describe('parseCertificates', () => {
  const accepted: Readonly<Record<string, string>> = {
    'two certificates': a + b,
    'lines that end with CR LF': (a + b).replaceAll('\n', '\r\n'),
    'prose and a key around them': `Of the server:\n${a}${key}and of the authority\n${b}`,
    'blanks at the end of a line, a byte order mark, no last line break': `\uFEFF${a.replaceAll('\n', ' \n')}${b.trimEnd()}`,
    'the labels of old tools': a.replaceAll('CERTIFICATE', 'X509 CERTIFICATE') + b,
  };
  for (const [what, pem] of Object.entries(accepted))
    it(`reads ${what}`, () => assert.deepEqual(read(pem), ['CN=a', 'CN=b']));

  const refused: Readonly<Record<string, readonly [pem: string, problem: string]>> = {
    'two without a line break between': [
      a.trimEnd() + b,
      'has "-----END CERTIFICATE-----" within a line; it must be a line of its own',
    ],
    'a second one that is indented, which OpenSSL takes for prose': [
      a + b.replaceAll(/^/gm, '  '),
      'has "-----BEGIN CERTIFICATE-----" within a line; it must be a line of its own',
    ],
    'a second one that is garbled': [a + GARBLED, 'holds 2 certificates, of which number 2 is garbled'],
    'one that is garbled': [GARBLED, 'holds a certificate that is garbled'],
    'a second one that breaks off': [a + b.slice(0, 300), 'has a "-----BEGIN CERTIFICATE-----" without its end'],
    'a first one that breaks off': [`${a.slice(0, 300)}\n${b}`, 'has a "-----BEGIN CERTIFICATE-----" without its end'],
    'a key': [key, 'holds a private key and no certificate; has it been taken for the key file?'],
    nothing: ['', 'holds no certificate in PEM form ("-----BEGIN CERTIFICATE-----")'],
  };
  for (const [what, [pem, problem]] of Object.entries(refused))
    it(`refuses ${what}`, () => assert.equal(read(pem), problem));
});
