/** RFC 3986 §6.2.2–6.2.3, as RFC 9449 §4.3 asks for it before htu is compared. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTargetUri, matchesTargetUri } from '../../src/oauth/target-uri.ts';

const targetUri = createTargetUri(new URL('https://my-tool.example.com'));

/** Whether a proof with this htu fits a request for this raw target. */
function matches(htu: string, rawTarget = '/mcp', publicUrl = 'https://my-tool.example.com'): boolean {
  return matchesTargetUri(htu, createTargetUri(new URL(publicUrl))(rawTarget));
}

describe('RFC 9449 §4.3 step 9: "ignoring any query and fragment parts"', () => {
  it('takes the target URI from the public URL and the raw target', () => {
    assert.equal(targetUri('/mcp'), 'https://my-tool.example.com/mcp');
    assert.equal(targetUri('/mcp?session=1#x'), 'https://my-tool.example.com/mcp');
    assert.equal(targetUri('/?/mcp'), 'https://my-tool.example.com/');
    assert.equal(targetUri('//evil.example/mcp'), 'https://my-tool.example.com//evil.example/mcp');
  });

  it('accepts an htu with or without a query or fragment', () => {
    for (const htu of ['', '?', '?a=/b', '#f', '?a#f', '#?']) {
      assert.equal(matches(`https://my-tool.example.com/mcp${htu}`, '/mcp?x=1'), true, htu);
    }
  });

  it('refuses another scheme, host, port or path', () => {
    for (const htu of [
      'http://my-tool.example.com/mcp',
      'https://my-tool.example.com.evil.example/mcp',
      'https://evil.example/mcp',
      'https://my-tool.example.com:8443/mcp',
      'https://my-tool.example.com:80/mcp',
      'https://my-tool.example.com./mcp',
      'https://my-tool.example.com/mcp/',
      'https://my-tool.example.com/MCP',
      'https://my-tool.example.com/mc',
      'https://my-tool.example.com/',
      'https://my-tool.example.com',
      'https://my-tool.example.com//mcp',
      'https://my-tool.example.com/mcp;v=1',
    ]) {
      assert.equal(matches(htu), false, htu);
    }
  });

  it('refuses what is no absolute http URI', () => {
    for (const htu of [
      '',
      '/mcp',
      '//my-tool.example.com/mcp',
      'my-tool.example.com/mcp',
      'https:/my-tool.example.com/mcp',
      'https:my-tool.example.com/mcp',
      'https://user@my-tool.example.com/mcp',
      'https://user:pw@my-tool.example.com/mcp',
      'https://@my-tool.example.com/mcp',
      'https://my-tool.example.com\\mcp',
      'https:\\\\my-tool.example.com/mcp',
      ' https://my-tool.example.com/mcp',
      'https://my-tool.example.com/mcp ',
      'https://my-tool.example.com/mcp\n',
      'https://my-tool.example.com/m\tcp',
      'https://my-tool.example.com:99999/mcp',
      'https://my-tool.example.com:/mcp/..',
      'https://[::1/mcp',
      'https:///mcp',
      'wss://my-tool.example.com/mcp',
      'javascript://my-tool.example.com/mcp',
    ]) {
      assert.equal(matches(htu), false, htu);
    }
  });
});

describe('RFC 3986 §6.2.2.1: case', () => {
  it('of scheme and host does not matter, that of the path does', () => {
    assert.equal(matches('HTTPS://MY-Tool.Example.COM/mcp'), true);
    assert.equal(matches('HTTPS://MY-Tool.Example.COM/Mcp'), false);
  });

  it('of the digits of a percent-encoding does not matter', () => {
    assert.equal(matches('https://my-tool.example.com/a%c3%bc%2fb', '/a%C3%BC%2Fb'), true);
    assert.equal(matches('https://my-tool.example.com/a%C3%BC%2Fb', '/a%c3%bc%2fb'), true);
  });
});

describe('RFC 3986 §6.2.2.2: percent-encoding', () => {
  it('of an unreserved character is the character', () => {
    assert.equal(matches('https://my-tool.example.com/%6D%63p%2D%5f%7E', '/mcp-_~'), true);
    assert.equal(matches('https://my-tool.example.com/mcp-_~', '/%6dc%70%2d%5F%7e'), true);
  });

  it('of a reserved character is not the character', () => {
    for (const [htu, rawTarget] of [
      ['/a%2Fb', '/a/b'],
      ['/a/b', '/a%2fb'],
      ['/a%3Fb', '/a?b'],
      ['/a%25', '/a%'],
      ['/a%2541', '/aA'],
      ['/a%2541', '/a%41'],
      ['/a+b', '/a%20b'],
      ['/a%3Bb', '/a;b'],
      ['/a%40', '/a@'],
    ] as const) {
      assert.equal(matches(`https://my-tool.example.com${htu}`, rawTarget), false, htu);
    }
  });

  it('that is none is left as it is', () => {
    assert.equal(matches('https://my-tool.example.com/a%', '/a%'), true);
    assert.equal(matches('https://my-tool.example.com/a%4', '/a%4'), true);
    assert.equal(matches('https://my-tool.example.com/a%zz', '/a%ZZ'), false);
  });

  it('of what is beyond ASCII has to be written, as RFC 3986 §2 knows no such characters', () => {
    assert.equal(matches('https://my-tool.example.com/%C3%BC', '/%C3%BC'), true);
    assert.equal(matches('https://my-tool.example.com/ü', '/%C3%BC'), false);
    assert.equal(matches('https://my-tool.example.com/%FC', '/%C3%BC'), false);
    assert.equal(matches('https://mÿ-tool.example.com/mcp'), false);
    assert.equal(matches('https://xn--bcher-kva.example/mcp', '/mcp', 'https://bücher.example'), true);
  });
});

describe('RFC 3986 §6.2.2.3: dot segments', () => {
  it('are removed as in §5.2.4', () => {
    for (const [rawTarget, path] of [
      ['/a/b/c/./../../g', '/a/g'],
      ['/mid/content=5/../6', '/mid/6'],
      ['/../g', '/g'],
      ['/a/..', '/'],
      ['/a/.', '/a/'],
      ['/a/b/..', '/a/'],
      ['/.', '/'],
      ['/..', '/'],
      ['/a//../b', '/a/b'],
      ['//../a', '/a'],
      ['/a/%2e%2E/b', '/b'],
      ['/a/.%2e/b', '/b'],
      ['/.a/..b/...', '/.a/..b/...'],
      ['/a/..%2Fb', '/a/..%2Fb'],
      ['/a./b', '/a./b'],
    ] as const) {
      assert.equal(targetUri(rawTarget), `https://my-tool.example.com${path}`, rawTarget);
      assert.equal(matches(`https://my-tool.example.com${rawTarget}`, path), true, rawTarget);
    }
  });
});

describe('RFC 3986 §6.2.3: scheme-based normalisation', () => {
  it('an empty path is "/"', () => {
    assert.equal(matches('https://my-tool.example.com', '/'), true);
    assert.equal(matches('https://my-tool.example.com?q', '/'), true);
    assert.equal(matches('https://my-tool.example.com#f', '/'), true);
  });

  it('the default port may be written or not, on either side', () => {
    assert.equal(matches('https://my-tool.example.com:443/mcp'), true);
    assert.equal(matches('https://my-tool.example.com:/mcp'), true);
    assert.equal(matches('https://my-tool.example.com/mcp', '/mcp', 'https://my-tool.example.com:443'), true);
    assert.equal(matches('http://localhost:80/mcp', '/mcp', 'http://localhost'), true);
    assert.equal(matches('http://localhost:443/mcp', '/mcp', 'http://localhost'), false);
    assert.equal(matches('https://my-tool.example.com:8443/mcp', '/mcp', 'https://my-tool.example.com:8443'), true);
    assert.equal(matches('https://my-tool.example.com/mcp', '/mcp', 'https://my-tool.example.com:8443'), false);
  });

  it('an IPv6 address may be written long or short', () => {
    assert.equal(matches('http://[::1]:8443/mcp', '/mcp', 'http://[::1]:8443'), true);
    assert.equal(matches('http://[0:0:0:0:0:0:0:1]:8443/mcp', '/mcp', 'http://[::1]:8443'), true);
    assert.equal(matches('http://[::2]:8443/mcp', '/mcp', 'http://[::1]:8443'), false);
  });
});
