/** What may be said of every redirect URI that is allowed, whatever it is. RFC 8252 §7.3, RFC 9700 §4.1.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRedirectPolicy } from '../../../../src/login/clients/redirect-uris.ts';

// The same run every time; take the line out to look further.
fc.configureGlobal({ seed: 20_261_123 });

const start = fc.constantFrom('http://', 'http://', 'https://', 'http:/', 'http:\\\\', 'HTTP://', '');
const host = fc.constantFrom('localhost', '127.0.0.1', '[::1]', '127.1', 'LOCALHOST', 'evil.example', 'a@', '');
const piece = fc.oneof(
  fc.constantFrom(...'/ \\ @ : . # ? %2f % [ ] ; , & = 80 65535 65536 a localhost .evil.example ..'.split(' ')),
  fc.constantFrom('\t', '\n', ' ', '\u0000', '\u3002', '\u0131', '\u202e'),
);
const nearlyAllowed = fc
  .tuple(start, host, fc.constantFrom('', ':80', ':65535', ':0', '/'), fc.array(piece, { maxLength: 5 }))
  .map(([scheme, name, port, pieces]) => scheme + name + port + pieces.join(''));
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.webUrl(), {
  arbitrary: nearlyAllowed,
  weight: 9,
});

/** Checks those that the list allows, and that they were not too few to say anything. */
function checkAllowed(list: readonly string[], check: (uri: string) => void): void {
  const { isAllowed } = createRedirectPolicy(list);
  let allowed = 0;
  const property = fc.property(anyText, (uri) => {
    if (!isAllowed(uri)) return;
    allowed += 1;
    check(uri);
  });
  fc.assert(property, { numRuns: 20_000 });
  assert.ok(allowed > 200, `${allowed} were allowed`);
}

describe('any text', () => {
  it('that is allowed as loopback is http on a loopback host to a URL parser', () => {
    checkAllowed(['loopback'], (uri) => {
      const { protocol, hostname, username, password, hash } = new URL(uri);
      assert.deepEqual([protocol, username, password, hash], ['http:', '', '', '']);
      assert.ok(['localhost', '127.0.0.1', '[::1]'].includes(hostname), hostname);
      assert.ok(uri.startsWith(`http://${hostname}`), uri);
      assert.equal(URL.parse(uri, 'https://evil.example/')?.hostname, hostname);
    });
  });

  it('that is allowed as https has the host that stands in it, and is none of this machine', () => {
    checkAllowed(['dangerously_any_https'], (uri) => {
      const { protocol, host, hostname, username, password, hash } = new URL(uri);
      assert.deepEqual([protocol, username, password, hash], ['https:', '', '', '']);
      assert.ok(uri.startsWith(`https://${host}`), uri);
      assert.match(uri.slice(`https://${host}`.length), /^(?:[/?]|$)/);
      assert.ok(!['localhost', '127.0.0.1', '[::1]'].includes(hostname), hostname);
    });
  });

  it('that is allowed has no character that a header, a page or a log could be broken with', () => {
    checkAllowed(['loopback', 'dangerously_any_https'], (uri) =>
      assert.match(uri, /^[^\p{Cc} "#<>\\^`{|}\u0080-\u{10ffff}]+$/u),
    );
  });
});
