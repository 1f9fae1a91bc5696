/** Where a code goes, and how a policy names it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { destinationOf, policySource } from '../../../../src/login/pages/destination.ts';

describe('RFC 8252 §7: who gets the code', () => {
  it('is a site by its host, not by what stands before an @', () => {
    const site = destinationOf(new URL('https://claude.ai@evil.example:8443/callback'));
    assert.deepEqual(site, { kind: 'site', host: 'evil.example:8443' });
  });

  it('is a site in ASCII, so that one letter cannot pass for another', () => {
    assert.deepEqual(destinationOf(new URL('https://сlaude.ai/')), { kind: 'site', host: 'xn--laude-0ye.ai' });
  });

  it('is an application on this computer at every loopback name and address', () => {
    for (const origin of ['http://localhost:1', 'http://127.0.0.1', 'http://[::1]:2', 'https://app.localhost']) {
      assert.deepEqual(destinationOf(new URL(`${origin}/callback`)), { kind: 'this-computer' });
    }
    assert.deepEqual(destinationOf(new URL('http://localhost.evil.example/')), {
      kind: 'site',
      host: 'localhost.evil.example',
    });
  });

  it('is whoever has the scheme otherwise', () => {
    const cursor = destinationOf(new URL('cursor://anysphere.cursor-mcp/oauth/callback'));
    assert.deepEqual(cursor, { kind: 'scheme', scheme: 'cursor:' });
    assert.deepEqual(destinationOf(new URL('com.example.app:/cb')), { kind: 'scheme', scheme: 'com.example.app:' });
  });
});

describe('CSP Level 3 §2.3.1: host-source and scheme-source', () => {
  it('is the origin with its port, or the scheme where there is no origin', () => {
    assert.equal(policySource(new URL('https://claude.ai/api?x#y')), 'https://claude.ai');
    assert.equal(policySource(new URL('http://127.0.0.1:33418/')), 'http://127.0.0.1:33418');
    assert.equal(policySource(new URL('cursor://anysphere.cursor-mcp/oauth/callback')), 'cursor:');
  });

  it('is the scheme for an IPv6 address, which browsers take for an invalid source', () => {
    assert.equal(policySource(new URL('http://[::1]:8080/callback')), 'http:');
  });

  it('is the scheme for a host that would end the directive', () => {
    for (const host of ["a;script-src'unsafe-inline'.example", 'a,b.example', 'a_b.example', 'a*.example']) {
      assert.equal(policySource(new URL(`https://${host}/`)), 'https:', host);
    }
  });
});
