/** Certificates of clients in the config: nothing stands there that would do less than it says. RFC 8705 §2, RFC 9440 §4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, minimal, minimalIdp, reject } from './loading.ts';

function withObex(lines: string, config = minimalIdp()): string {
  return config.replace('obex:\n', `obex:\n${lines.replace(/^/gm, '  ')}\n`);
}

const WIDE =
  'obex.yaml:2: obex.client_cert_header: with so wide a network in obex.trusted_proxies (IPv4 below /8, IPv6 below /32) nearly ' +
  'anybody could write any certificate; name the addresses of the proxies';

describe('what would have no effect, or too much', () => {
  const cases: readonly (readonly [lines: string, problem: string])[] = [
    [
      'tls: { client_auth: request }',
      'obex.yaml:2: obex.tls.client_auth: needs obex.tls.enabled: true; set that, or, where a proxy in front ends TLS, ' +
        'obex.client_cert_header in place of this',
    ],
    [
      'tls: { enabled: true, client_ca_file: /ca.pem }',
      'obex.yaml:2: obex.tls.client_ca_file: needs obex.tls.client_auth: request or require; set that, or delete client_ca_file',
    ],
    [
      'client_cert_header: true',
      'obex.yaml:2: obex.client_cert_header: needs obex.trusted_proxies: nobody else is believed; add the address of the proxy in ' +
        'front',
    ],
    ['client_cert_header: true\ntrusted_proxies: ["10.0.0.1", "0.0.0.0/0"]', WIDE],
    ['client_cert_header: true\ntrusted_proxies: ["0.0.0.0/1", "128.0.0.0/1"]', WIDE],
    ['client_cert_header: true\ntrusted_proxies: ["2000::/3"]', WIDE],
    [
      'tls: { enabled: true, client_auth: on }',
      'obex.yaml:2: obex.tls.client_auth: expected one of "off", "request", "require", got "on"',
    ],
  ];
  for (const [lines, problem] of cases) {
    it(`refuses ${JSON.stringify(lines)}`, () => assert.deepEqual(reject(withObex(lines)), [problem]));
  }

  it('refuses client_auth when the environment switches TLS off, as a TLS terminator in front wants it', () => {
    const yaml = withObex('tls: { enabled: true, client_auth: require }');
    const [problem = ''] = reject(yaml, { env: { OBEX_TLS_ENABLED: 'false' } });
    assert.match(problem, /^obex\.yaml:2: obex\.tls\.client_auth: needs obex\.tls\.enabled: true; /);
  });

  it('takes off as any other word', () => {
    assert.equal(accept(withObex('tls: { client_auth: off }')).config.obex.tls.client_auth, 'off');
  });
});

describe('warnings', () => {
  const warningsOf = (lines: string, config?: string): readonly string[] =>
    accept(withObex(lines, config)).warnings.filter((warning) => /certificate/.test(warning));

  for (const auth of ['request', 'require']) {
    it(`${auth} without authorities keeps nobody out`, () => {
      assert.deepEqual(warningsOf(`tls: { enabled: true, client_auth: ${auth} }`), [
        `obex.tls.client_auth: ${auth} without client_ca_file takes any certificate, also one that its client has made: tokens ` +
          'may be bound to it, but it keeps nobody out. Set client_ca_file if it should',
      ]);
      assert.deepEqual(warningsOf(`tls: { enabled: true, client_auth: ${auth}, client_ca_file: /ca.pem }`), []);
    });
  }

  it('phase 1 verifies no token that could be bound', () => {
    const warning =
      'certificates of clients have no effect without idp: no token is verified that could be bound to one';
    const tls = 'enabled: true, client_ca_file: /ca.pem';
    assert.deepEqual(warningsOf(`tls: { ${tls}, client_auth: request }`, minimal()), [warning]);
    assert.deepEqual(warningsOf('client_cert_header: true\ntrusted_proxies: ["10.0.0.1"]', minimal()), [warning]);
    // Who has no certificate is kept out in phase 1 as well.
    assert.deepEqual(warningsOf(`tls: { ${tls}, client_auth: require }`, minimal()), []);
  });
});
