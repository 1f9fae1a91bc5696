/** What a backend may say through Obex, field by field, as docs/your-backend.md lists it. RFC 9110 §7.6. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { keepToHost } from '../../../src/proxy/cookie-domain.ts';
import { createPublicReferences } from '../../../src/proxy/public-references.ts';
import { createClientHeaders, formatClientHead } from '../../../src/proxy/response-headers.ts';

const toPublic = createPublicReferences({
  publicUrl: new URL('https://tool.example.com'),
  backendUrl: new URL('http://127.0.0.1:9090'),
  backendHost: '127.0.0.1:9090',
});
const formatFields = createClientHeaders({
  publicHostname: 'tool.example.com',
  toPublic: (reference) => (reference.includes('nowhere') ? undefined : toPublic(reference)),
  toMetadata: toPublic,
});

const DROPPED = [
  'Keep-Alive',
  'KEEP-ALIVE',
  'Proxy-Authenticate',
  'proxy-connection',
  'TE',
  'Trailer',
  'Upgrade',
  'upgrade',
  'Access-Control-Allow-Origin',
  'access-control-anything',
  'Timing-Allow-Origin',
  'X-Obex-Request-Id',
  'DPoP-Nonce',
  'Authentication-Info',
  'Proxy-Authentication-Info',
  'Alt-Svc',
  'alt-svc',
  'ALT-SVC',
  'Strict-Transport-Security',
  'Public-Key-Pins',
  'Public-Key-Pins-Report-Only',
  'Expect-CT',
  'Clear-Site-Data',
  'NEL',
  'Report-To',
  'Reporting-Endpoints',
  'Service-Worker-Allowed',
  'Set-Login',
  'X-Accel-Redirect',
  'x-accel-expires',
  'X-Sendfile',
  'X-Lighttpd-Send-File',
  'X-LiteSpeed-Location',
  'X-Reproxy-URL',
];

const KEPT = [
  'Allow',
  'Age',
  'Alt',
  'Content-Security-Policy',
  'Karma',
  'P',
  'Permissions-Policy',
  'Pragma',
  'Server',
  'Tea',
  'Trailers',
  'Upgrade-Insecure-Requests',
  'Via',
  'X-Accel-Buffering',
  'X-Frame-Options',
  'X-Obex-Other',
  'X-Powered-By',
  '',
];

describe('createClientHeaders', () => {
  it('drops what is hop-by-hop, what Obex says itself and what speaks for the origin; the rest is byte for byte', () => {
    const own = ['X-Obex-Request-ID', 'id'];
    const fields = [...DROPPED, ...KEPT].flatMap((name) => [name, `value of ${name}`]);
    const head = formatClientHead(
      { status: 418, reason: 'Short', fields, length: 7 },
      formatFields(fields, own, '/mcp'),
    );
    assert.deepEqual(head, {
      status: 418,
      reason: 'Short',
      length: 7,
      fields: [...KEPT.flatMap((name) => [name, `value of ${name}`]), ...own],
    });
  });

  const rewritten: readonly (readonly [name: string, value: string, expected: string])[] = [
    ['LOCATION', 'http://127.0.0.1:9090/x', 'https://tool.example.com/x'],
    ['content-location', 'http://127.0.0.1:9090/x', 'https://tool.example.com/x'],
    [
      'Link',
      '<http://127.0.0.1:9090/>;rel=a,<//127.0.0.1:9090/b>',
      '<https://tool.example.com/>;rel=a,<https://tool.example.com/b>',
    ],
    ['Link', '<broken', '<broken'],
    ['Refresh', '5;URL="http://127.0.0.1:9090/x"', '5;URL="https://tool.example.com/x"'],
    ['Refresh', '0 ; http://127.0.0.1:9090/x', '0 ; https://tool.example.com/x'],
    ['Refresh', '5', '5'],
    [
      'WWW-Authenticate',
      'Bearer Resource_Metadata = "http://127.0.0.1:9090/m"',
      'Bearer Resource_Metadata = "https://tool.example.com/m"',
    ],
    ['WWW-Authenticate', 'Basic realm="http://127.0.0.1:9090/"', 'Basic realm="http://127.0.0.1:9090/"'],
  ];
  for (const [name, value, expected] of rewritten) {
    it(`${name}: ${value}`, () => assert.deepEqual(formatFields([name, value], [], '/mcp'), [name, expected]));
  }

  for (const [name, value] of [
    ['Location', '/nowhere'],
    ['Link', '<http://127.0.0.1:9090/>;rel=a, </nowhere>;rel=b'],
    ['Refresh', '0; url=/nowhere'],
  ] as const) {
    it(`${name}: ${value} is dropped, since it leads nowhere`, () =>
      assert.deepEqual(formatFields([name, value, 'X-Other', '1'], [], '/mcp'), ['X-Other', '1']));
  }
});

describe('RFC 6265 §5.2.3: keepToHost', () => {
  const cases: readonly (readonly [cookie: string, kept: string])[] = [
    ['a=1', 'a=1'],
    ['domain=example.com; Path=/', 'domain=example.com; Path=/'],
    ['a=1; Domain=', 'a=1'],
    ['a=1; Domain', 'a=1; Domain'],
    ['a=1;\tDOMAIN\t=\texample.com\t; Secure', 'a=1; Secure'],
    ['a=1; Domain=tool.example.com; Domain=example.com', 'a=1; Domain=tool.example.com'],
    ['a=1; Domain=.tool.example.com', 'a=1; Domain=.tool.example.com'],
    ['a=1; Domain=evil-tool.example.com', 'a=1'],
    ['a=1; X-Domain=example.com; Path=/;', 'a=1; X-Domain=example.com; Path=/;'],
  ];
  for (const [cookie, kept] of cases) {
    it(cookie, () => assert.equal(keepToHost(cookie, 'tool.example.com'), kept));
  }
});
