/** Names that never reach the backend, however they are spelled. RFC 9110 §5.1, §7.6.1, CVE-2025-64484. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { foldName } from '../../../src/lib/fold-name.ts';
import { createBackendHeaders } from '../../../src/proxy/backend-headers.ts';
import { isNeverForwarded, rememberByName } from '../../../src/proxy/field-names.ts';

const NEVER = [
  'authorization',
  'connection',
  'content-length',
  'dpop',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-anything',
  'x-obex-user',
  'x-obex-scopes',
  'x-obex-request-id',
  'x-obex-new',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
  // Addresses, as other gateways pass them on.
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'proxy-client-ip',
  'remote-addr',
  'true-client-ip',
  'wl-proxy-client-ip',
  'x-azure-clientip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-forwarded',
  'x-original-forwarded-for',
  'x-remote-ip',
  // Who is calling.
  'cf-access-jwt-assertion',
  'client-cert',
  'client-cert-chain',
  'oidc-claim-email',
  'remote-user',
  'remote-groups',
  'ssl-client-s-dn',
  'tailscale-user-login',
  'x-amzn-oidc-data',
  'x-amzn-oidc-identity',
  'x-amzn-mtls-clientcert-subject',
  'x-apigateway-api-userinfo',
  'x-auth-request-user',
  'x-auth-request-access-token',
  'x-authenticated-userid',
  'x-authentik-username',
  'x-client-cert',
  'x-client-dn',
  'x-consumer-id',
  'x-credential-identifier',
  'x-endpoint-api-userinfo',
  'x-forwarded-email',
  'x-forwarded-access-token',
  'x-goog-authenticated-user-email',
  'x-goog-iap-jwt-assertion',
  'x-ms-client-principal',
  'x-ms-client-principal-name',
  'x-ms-token-aad-id-token',
  'x-pomerium-jwt-assertion',
  'x-remote-user',
  'x-remote-group',
  'x-remote-extra-scopes',
  'x-ssl-client-verify',
  'x-userinfo',
  'x-vouch-user',
  'x-webauth-user',
  // What is asked for, and the way to the outside.
  'proxy',
  'x-envoy-original-path',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-method',
  'x-original-uri',
  'x-override-url',
];

describe('field names', () => {
  for (const name of NEVER) {
    it(`${name} never goes on, in any case and with any separator`, () => {
      for (const separator of ['-', '_', '.', '~', '|', '+', "'"]) {
        for (const spelled of [name, name.toUpperCase()]) {
          assert.equal(isNeverForwarded(foldName(spelled.replaceAll('-', separator))), true, spelled);
        }
      }
    });
  }

  for (const name of [
    'accept',
    'cookie',
    'mcp-session-id',
    'x-obex',
    'x-obexuser',
    'my-x-obex-user',
    'authorization2',
    'cf-ray',
    'proxied',
    'remote',
    'traceparent',
    'via',
    'x-access-token',
    'x-amzn-trace-id',
    'x-api-key',
    'x-client-version',
    'x-ms-client-request-id',
    'x-request-id',
    'x-user-id',
    'xobex-user',
    'originator',
    '__proto__',
    'constructor',
  ]) {
    it(`${name} goes on`, () => assert.equal(isNeverForwarded(foldName(name)), false));
  }

  it('no spelling of a client reaches the backend as a name in which Obex speaks', () => {
    const format = createBackendHeaders({
      backendHost: 'b',
      publicUrl: new URL('https://t.example'),
      staticFields: ['X-Api-Key', 'secret'],
      strippedNames: [],
      viaPseudonym: 'obex-1',
    });
    const token = fc.string({ unit: fc.constantFrom(...'xX-_.oObBeEapikyr!~'.split('')), minLength: 1, maxLength: 14 });
    const vouched = {
      identityFields: ['X-Obex-User', 'alice'],
      requestId: 'id',
      receivedProtocol: '1.1' as const,
      clientAddress: '1.2.3.4',
    };
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            token,
            token.map((tail) => `X_Obex-${tail}`),
            fc.constantFrom('x_api.key', 'X-API_KEY'),
          ),
          { maxLength: 5 },
        ),
        (names) => {
          const { fields } = format(
            names.flatMap((name) => [name, 'client']),
            vouched,
          );
          for (let at = 0; at < fields.length; at += 2) {
            if (fields[at + 1] !== 'client') continue;
            assert.doesNotMatch(foldName(fields[at] ?? ''), /^x-obex-|^x-api-key$/);
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('rememberByName', () => {
  it('judges a name once, remembers no more names than its bound, and judges alike beyond it', () => {
    const judged: string[] = [];
    const isEven = rememberByName((name) => {
      judged.push(name);
      return Number(name) % 2 === 0;
    });
    for (const _round of [1, 2]) {
      for (let name = 0; name < 1_001; name += 1) assert.equal(isEven(String(name)), name % 2 === 0);
    }
    assert.deepEqual(judged.slice(1_001), ['1000']);
  });
});

describe('createBackendHeaders', () => {
  it('a unix socket’s peer has no address to forward', () => {
    const format = createBackendHeaders({
      backendHost: 'b:1',
      publicUrl: new URL('http://t.example:8080'),
      staticFields: [],
      strippedNames: [],
      viaPseudonym: 'obex-1',
    });
    assert.deepEqual(
      format([], { identityFields: [], requestId: 'id', receivedProtocol: '1.1' as const, clientAddress: '' }),
      {
        fields: ['Host', 'b:1', 'X-Obex-Request-ID', 'id'],
        commonLines: 'Via: 1.1 obex-1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: t.example:8080\r\n',
      },
    );
  });

  it('what one token vouches for never stands on a request with another', () => {
    const format = createBackendHeaders({
      backendHost: 'b',
      publicUrl: new URL('https://t.example'),
      staticFields: ['X-Api-Key', 'secret'],
      strippedNames: [],
      viaPseudonym: 'obex-1',
    });
    const [alice, bob] = [
      ['X-Obex-User', 'alice'],
      ['X-Obex-User', 'bob'],
    ];
    const linesOf = (identityFields: readonly string[]): string =>
      format([], { identityFields, requestId: 'id', receivedProtocol: '1.1' as const, clientAddress: '' }).commonLines;
    const forwarded = 'Via: 1.1 obex-1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: t.example\r\n';
    for (const _round of [1, 2]) {
      assert.equal(linesOf(alice), `${forwarded}X-Obex-User: alice\r\nX-Api-Key: secret\r\n`);
      assert.equal(linesOf(bob), `${forwarded}X-Obex-User: bob\r\nX-Api-Key: secret\r\n`);
    }
  });
});
