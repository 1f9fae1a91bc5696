/** Which redirect URIs are allowed, and which of them are the same. RFC 8252 §7, RFC 9700 §2.1, §4.1.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  createRedirectPolicy,
  isLoopback,
  isLoopbackHttps,
  isRedirectUri,
} from '../../../../src/login/clients/redirect-uris.ts';

const CLAUDE = 'https://claude.ai/api/mcp/auth_callback';
const CURSOR = 'cursor://anysphere.cursor-mcp/oauth/callback';
const LONG = `http://localhost/${'a'.repeat(495)}`;

const LOOPBACK: readonly string[] = [
  'http://localhost',
  'http://localhost/',
  'http://localhost:1',
  'http://localhost:65535/callback',
  'http://localhost:3334/oauth/callback?server=a%20b',
  'http://127.0.0.1:8080/callback',
  'http://127.0.0.1?x',
  'http://[::1]:49152/a/b/c',
  LONG,
];

/** Refused whatever the list says, even when it spells them out. */
const NOWHERE: readonly string[] = [
  '',
  'loopback',
  'dangerously_any_https',
  '/callback',
  '//localhost/callback',
  'http:localhost/callback',
  'http:/localhost/callback',
  'http:///localhost/callback',
  'http:\\\\localhost\\callback',
  'http://localhost\\@evil.example/callback',
  'http://localhost\\.evil.example/callback',
  'http://localhost@evil.example/callback',
  'http://localhost:80@evil.example/callback',
  'http://evil.example@localhost/callback',
  'http://user:secret@127.0.0.1/callback',
  'http://@localhost/callback',
  'http://localhost.evil.example/callback',
  'http://127.0.0.1.evil.example/callback',
  'http://evil.example/localhost',
  'http://evil.example?http://localhost',
  'http://localhostevil.example',
  'http://localhost./callback',
  'http://app.localhost/callback',
  'http://127.0.0.2/callback',
  'http://127.1/callback',
  'http://127.0.0.01/callback',
  'http://0177.0.0.1/callback',
  'http://0x7f000001/callback',
  'http://0x7f.0.0.1/callback',
  'http://2130706433/callback',
  'http://0.0.0.0/callback',
  'http://0/callback',
  'http://[::]/callback',
  'http://[0:0:0:0:0:0:0:1]/callback',
  'http://[::ffff:127.0.0.1]/callback',
  'http://[::1%25lo]/callback',
  'http://[::1].evil.example/callback',
  'http://%6cocalhost/callback',
  'http://local%68ost/callback',
  'http://127%2e0.0.1/callback',
  'http://localhost%2f@evil.example/',
  'http://localhost%00.evil.example/',
  'http://localhost:/callback',
  'http://localhost:0/callback',
  'http://localhost:080/callback',
  'http://localhost:65536/callback',
  'http://localhost:99999999999/callback',
  'http://localhost:+80/callback',
  'http://localhost:80:80/callback',
  'http://localhost:80.evil.example/callback',
  'http://localhost;evil.example/callback',
  'http://localhost,evil.example/callback',
  'http://LOCALHOST/callback',
  'HTTP://localhost/callback',
  'http://localhost/callback#',
  'http://localhost/callback#fragment',
  'http://localhost#@evil.example/',
  ' http://localhost/callback',
  'http://localhost/callback ',
  'http://localhost/call back',
  'http://local\thost/callback',
  'http://localhost/call\nback',
  'http://localhost/callback\r\nSet-Cookie:a=b',
  'http://localhost/\u0000',
  'http://localhost/\u007f',
  'http://localhost/ü',
  'http://lоcalhost/callback',
  'http://ⓛocalhost/callback',
  'http://localhost。evil.example/',
  'http://localhost\u200b/callback',
  'http://localhost/"onclick=',
  'http://localhost/<script>',
  'http://localhost/%',
  'http://localhost/%zz',
  `${LONG}a`,
  'javascript:alert(1)',
  'JavaScript:alert(1)',
  'javascript://localhost/%0aalert(1)',
  'java\nscript:alert(1)',
  'data:text/html,hello',
  'vbscript:msgbox(1)',
  'file:///etc/passwd',
  'blob:https://claude.ai/1',
  'filesystem:https://claude.ai/temporary/1',
  'view-source:https://claude.ai/',
  'about:blank',
  'ftp://localhost/callback',
  'ws://localhost/callback',
  'mailto:ann@example.com',
  'cursor:',
  'cursor://user@anysphere.cursor-mcp/oauth/callback',
  '1cursor://callback',
  'http://intranet.example/callback',
];

/** https, but none that a browser and a careful reader read alike. */
const TWISTED_HTTPS: readonly string[] = [
  'https:evil.example/callback',
  'https:/evil.example/callback',
  'https:///evil.example/callback',
  'https://user@evil.example/callback',
  'https://claude.ai\\@evil.example/callback',
  'https://claude.ai%40evil.example/callback',
  'https://claude.ai%2fevil.example/callback',
  'https://Claude.ai/callback',
  'HTTPS://claude.ai/callback',
  'https://claude.ai:443/callback',
  'https://claude.ai:/callback',
  'https://claude.ai:65536/callback',
  'https://claude.ai/a/../callback',
  'https://claude.ai/%2e%2e/callback',
  'https://claude.ai/callback#fragment',
  'https://0x7f000001/callback',
  'https://2130706433/callback',
  'https://claude.ai/\u202e',
  'https://',
  'https://?',
  'https://[::1/callback',
  'https://localhost/callback',
  'https://localhost:8443/callback',
  'https://127.0.0.1/callback',
  'https://[::1]/callback',
];

describe('createRedirectPolicy', () => {
  const everything = createRedirectPolicy(['loopback', 'dangerously_any_https', ...NOWHERE]);

  for (const uri of LOOPBACK) {
    it(`RFC 8252 §7.3: "loopback" allows ${uri.slice(0, 80)}`, () => {
      assert.equal(isLoopback(uri), true);
      assert.equal(createRedirectPolicy(['loopback']).isAllowed(uri), true);
      assert.equal(createRedirectPolicy(['dangerously_any_https', CLAUDE]).isAllowed(uri), false);
      assert.equal(createRedirectPolicy([uri]).isAllowed(uri), true);
    });
  }

  for (const uri of NOWHERE) {
    it(`refuses ${JSON.stringify(uri).slice(0, 80)}, even spelled out`, () => {
      assert.equal(everything.isAllowed(uri), false);
      assert.equal(isRedirectUri(uri), false);
      assert.equal(isLoopback(uri), false);
    });
  }

  for (const uri of TWISTED_HTTPS) {
    it(`"dangerously_any_https" does not allow ${JSON.stringify(uri)}`, () => {
      assert.equal(createRedirectPolicy(['loopback', 'dangerously_any_https']).isAllowed(uri), false);
    });
  }

  it('"dangerously_any_https" allows https alone', () => {
    const { isAllowed } = createRedirectPolicy(['dangerously_any_https']);
    const allowed = [
      CLAUDE,
      'https://a.example',
      'https://a.example:8443/x?y=z',
      'https://10.0.0.1/x',
      'https://xn--bcher-kva.example/',
    ];
    assert.deepEqual(
      allowed.filter((uri) => !isAllowed(uri)),
      [],
    );
    assert.equal(isAllowed(CURSOR), false);
  });

  it('RFC 9700 §4.1.3: everything else is compared byte for byte', () => {
    const { isAllowed } = createRedirectPolicy([CLAUDE, CURSOR, 'com.example.app:/callback']);
    assert.deepEqual([CLAUDE, CURSOR, 'com.example.app:/callback'].map(isAllowed), [true, true, true]);
    const near = [
      `${CLAUDE}/`,
      `${CLAUDE}?x=y`,
      CLAUDE.slice(0, -1),
      CLAUDE.replace('claude', 'Claude'),
      CLAUDE.replace('claude.ai', 'claude.ai:443'),
      CLAUDE.replace('https', 'http'),
      CLAUDE.replace('api', '%61pi'),
      'https://claude.ai.evil.example/api/mcp/auth_callback',
      'Cursor://anysphere.cursor-mcp/oauth/callback',
      'cursor://anysphere.cursor-mcp/oauth/callback/evil',
      'cursor://evil/oauth/callback',
      'com.example.app://callback',
      'com.example.app:callback',
    ];
    assert.deepEqual(near.filter(isAllowed), []);
  });

  it('RFC 8252 §7.1: a private-use scheme is allowed by nothing but its own spelling', () => {
    const { isAllowed } = createRedirectPolicy(['loopback', 'dangerously_any_https']);
    assert.deepEqual(
      [CURSOR, 'vscode://x/y', 'com.example.app:/callback', 'urn:ietf:wg:oauth:2.0:oob'].filter(isAllowed),
      [],
    );
  });

  it('an empty list allows nothing', () => {
    const { isAllowed } = createRedirectPolicy([]);
    assert.deepEqual([...LOOPBACK, ...NOWHERE, ...TWISTED_HTTPS, CLAUDE, CURSOR].filter(isAllowed), []);
  });

  it('tells https on loopback, which configured clients alone may have', () => {
    assert.deepEqual(
      ['https://localhost:5001/x', 'https://127.0.0.1', 'https://[::1]?', 'https://LOCALHOST/'].map(isLoopbackHttps),
      [true, true, true, true],
    );
    assert.deepEqual(['http://localhost/x', 'https://localhost.example/', CLAUDE, CURSOR].filter(isLoopbackHttps), []);
  });
});
