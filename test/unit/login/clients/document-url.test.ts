/** Which client ids are URLs of documents. draft-ietf-oauth-client-id-metadata-document §3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KNOWN_DOCUMENTS } from '../../../../src/login/clients/document-reach.ts';
import { parseDocumentUrl } from '../../../../src/login/clients/document-url.ts';

describe('draft CIMD §3: a client id that is a URL', () => {
  for (const id of [
    ...KNOWN_DOCUMENTS,
    'https://xn--bcher-kva.example/c',
    'https://a.example/c%20d',
    'https://a.example/a/',
  ]) {
    it(`is ${id}`, () => assert.equal(parseDocumentUrl(id, 'auto')?.href, id));
  }

  const wrong: Readonly<Record<string, string>> = {
    'not https': 'http://a.example/c',
    'without a path': 'https://a.example',
    'with the root alone': 'https://a.example/',
    'with a fragment': 'https://a.example/c#f',
    'with an empty fragment': 'https://a.example/c#',
    'with userinfo': 'https://u:p@a.example/c',
    'with a user alone': 'https://u@a.example/c',
    'with empty userinfo': 'https://@a.example/c',
    'with dot segments': 'https://a.example/b/../c',
    'with a single dot': 'https://a.example/./c',
    'with encoded dot segments': 'https://a.example/b/%2e%2E/c',
    'with a query': 'https://a.example/c?x=1',
    'with an empty query': 'https://a.example/c?',
    'with another port': 'https://a.example:8443/c',
    'with the default port written': 'https://a.example:443/c',
    'with capitals in its host': 'https://A.example/c',
    'with capitals in its scheme': 'HTTPS://a.example/c',
    'with a backslash': 'https://a.example\\c',
    'with one slash': 'https:/a.example/c',
    'with a tab': 'https://a.exa\tmple/c',
    'with a space at its end': 'https://a.example/c ',
    'with letters beyond ASCII in its host': 'https://bücher.example/c',
    'with letters beyond ASCII in its path': 'https://a.example/ü',
    'of an IPv4 address': 'https://93.184.216.34/c',
    'of an address in hex': 'https://0x5db8d822/c',
    'of an IPv6 address': 'https://[2606:4700::1]/c',
    'of this machine': 'https://localhost/c',
    'of a name of this machine': 'https://a.localhost/c',
    'of a host without a domain': 'https://intranet/c',
    'of a name with a final dot': 'https://a.example./c',
    'too long': `https://a.example/${'c'.repeat(500)}`,
    'no URL': 'obex-abc',
    empty: '',
  };
  for (const [what, id] of Object.entries(wrong)) {
    it(`is none ${what}`, () => {
      assert.equal(parseDocumentUrl(id, 'auto'), undefined);
      assert.equal(parseDocumentUrl(id, ['a.example']), undefined);
    });
  }

  it('is one of these hosts where there is a list, with its port', () => {
    const hosts = ['a.example', 'b.example:8443'];
    assert.equal(parseDocumentUrl('https://a.example/c', hosts)?.href, 'https://a.example/c');
    assert.equal(parseDocumentUrl('https://b.example:8443/c', hosts)?.href, 'https://b.example:8443/c');
    for (const id of [
      'https://b.example/c',
      'https://a.example:8443/c',
      'https://c.a.example/c',
      'https://xa.example/c',
    ]) {
      assert.equal(parseDocumentUrl(id, hosts), undefined, id);
    }
  });

  it('is nothing where documents are off', () => {
    assert.equal(parseDocumentUrl('https://a.example/c', 'off'), undefined);
  });
});
