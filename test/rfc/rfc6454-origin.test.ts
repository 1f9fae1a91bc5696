/** Web origins that may call. RFC 6454 §6.2, §7.3; the MCP transport's duty against DNS rebinding. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOriginPolicy } from '../../src/oauth/origin.ts';

const judge = (publicUrl: string, allowedOrigins: readonly string[], origins: readonly string[]) => {
  const policy = createOriginPolicy({ publicUrl: new URL(publicUrl), allowedOrigins });
  return origins.filter((origin) => policy(origin));
};

const LOOPBACK = [
  'http://localhost',
  'http://localhost:6274',
  'https://localhost',
  'http://127.0.0.1:8080',
  'http://127.9.9.9',
  'http://[::1]:3000',
];
const NOT_LOOPBACK = [
  'http://localhost.evil.example',
  'http://127.0.0.1.evil.example',
  'http://evil.example/localhost',
  'http://localhost@evil.example',
  'http://evil.example#localhost',
  'http://LOCALHOST',
  'http://127.1',
  'http://2130706433',
  'http://localhost/',
  'http://localhost:80',
  'http://0.0.0.0',
  'http://[::]',
  'http://10.0.0.1',
  'localhost',
  'file://localhost',
  '',
];

describe('RFC 6454 §7.3', () => {
  it('allows the origin of the public URL, compared exactly', () => {
    const same = 'https://my-tool.example.com';
    const others = [
      'http://my-tool.example.com',
      'https://my-tool.example.com:443',
      'https://my-tool.example.com:8443',
      'https://my-tool.example.com/',
      'https://my-tool.example.com.evil.example',
      'https://evil-my-tool.example.com',
      'https://MY-TOOL.example.com',
      'https://my-tool.example.com https://evil.example',
    ];
    assert.deepEqual(judge('https://my-tool.example.com:443/', [], [same, ...others]), [same]);
    assert.deepEqual(judge('https://my-tool.example.com:8443', [], [same, ...others]), [
      'https://my-tool.example.com:8443',
    ]);
  });

  it('allows configured origins, of any scheme', () => {
    const configured = ['https://app.example', 'vscode-webview://abc'];
    const others = ['https://app.example:444', 'https://sub.app.example', 'vscode-webview://abd'];
    assert.deepEqual(judge('https://a.example', configured, [...configured, ...others]), configured);
  });

  it('allows loopback origins only when the public URL is on loopback', () => {
    const all = [...LOOPBACK, ...NOT_LOOPBACK];
    assert.deepEqual(judge('http://localhost:8080', [], all), LOOPBACK);
    assert.deepEqual(judge('http://127.0.0.1:8080', [], all), LOOPBACK);
    assert.deepEqual(judge('http://[::1]:8080', [], all), LOOPBACK);
    assert.deepEqual(judge('https://a.example', [], all), []);
  });

  it('never allows null, not even by configuration (§7.1)', () => {
    for (const configured of [[], ['*'], ['null']]) {
      assert.deepEqual(judge('http://localhost', configured, ['null']), []);
    }
  });

  it('allows every other origin with *', () => {
    const bad = ['*', '', 'null, null', 'https://b.example, https://c.example', 'https://b.example/x', 'b.example'];
    const good = ['https://b.example', 'vscode-webview://abc'];
    assert.deepEqual(judge('https://a.example', ['*'], [...bad, ...good]), good);
  });
});
