/** RFC 8705 §3: access tokens that are bound to a client certificate. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { admit, type RequestFacts } from '../../src/gate/authenticate.ts';
import { refuseOtherCertificate, requireCertificate } from '../../src/gate/certificate-binding.ts';
import { type ClientCertificate, certificateThumbprint } from '../../src/lib/client-certificate.ts';
import { deny } from '../../src/oauth/denial.ts';
import type { AccessToken } from '../../src/oauth/principal.ts';

/** Appendix A: a certificate, and its thumbprint. */
const DER = Buffer.from(
  'MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZ' +
    'MBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8w' +
    'CgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=',
  'base64',
);
const X5T = 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0';
const OTHER = `B${X5T.slice(1)}`;

function boundTo(x5tS256: string | undefined): AccessToken {
  const identity = { issuer: 'https://a.example', subject: 'alice', client: 'client-1' };
  return { ...identity, scopes: new Set(), scopeClaim: undefined, expiresAtMs: 0, jkt: undefined, x5tS256 };
}

function sender(clientCertificate: ClientCertificate, connectionCertificate = clientCertificate) {
  return { clientCertificate, connectionCertificate };
}

describe('RFC 8705 §3.1: "the base64url-encoded SHA-256 hash of the DER encoding of the X.509 certificate"', () => {
  it('is, of the certificate of Appendix A, what stands there', () => assert.equal(certificateThumbprint(DER), X5T));
});

describe('RFC 8705 §3: "MUST verify that the certificate matches the certificate associated with the access token"', () => {
  it('takes the certificate that the token names', () =>
    assert.equal(refuseOtherCertificate(boundTo(X5T), sender({ thumbprint: X5T })), undefined));

  it('"if they do not match, the resource access attempt MUST be rejected with an error"', () => {
    const token = boundTo(X5T);
    const detail = 'the token is bound to another certificate';
    assert.deepEqual(
      refuseOtherCertificate(token, sender({ thumbprint: OTHER })),
      deny('token_not_bound', { detail, expected: X5T, actual: OTHER, token }),
    );
  });

  it('refuses where there is none, and says why there is none', () => {
    const token = boundTo(X5T);
    const detail = 'the token is bound to a certificate: the client sent no certificate';
    assert.deepEqual(
      refuseOtherCertificate(token, sender({ absence: 'the client sent no certificate' })),
      deny('token_not_bound', { detail, expected: X5T, token }),
    );
  });

  it('does not take the certificate of the connection, which is the proxy’s, for that of the client', () => {
    const denial = refuseOtherCertificate(boundTo(X5T), sender({ absence: 'none' }, { thumbprint: X5T }));
    assert.equal(denial?.reason, 'token_not_bound');
  });

  it('does not even ask for a certificate where the token is bound to none', () => {
    const nobody = {
      get clientCertificate(): ClientCertificate {
        return assert.fail('asked');
      },
      connectionCertificate: { absence: 'none' },
    };
    assert.equal(refuseOtherCertificate(boundTo(undefined), nobody), undefined);
  });
});

describe('client_auth: require', () => {
  const principal = { accessToken: undefined, key: undefined, identityFields: [], rateLimitKey: '' };
  const facts: Omit<RequestFacts, 'sender'> = {
    method: 'GET',
    target: '/mcp',
    authorization: [],
    dpop: [],
    clientKey: '192.0.2.1',
  };

  it('goes on with a certificate of the connection, and charges nothing', () => {
    const gate = requireCertificate(
      () => admit(principal),
      () => assert.fail('charged'),
    );
    const outcome = gate({ ...facts, sender: sender({ absence: 'none' }, { thumbprint: X5T }) });
    assert.deepEqual(outcome, { principal, responseFields: [] });
  });

  it('charges the address of whoever has none, and looks at nothing', () => {
    const charged: string[] = [];
    const gate = requireCertificate(
      () => assert.fail('authenticated'),
      (key) => void charged.push(key),
    );
    const outcome = gate({
      ...facts,
      sender: sender({ thumbprint: X5T }, { absence: 'the client sent no certificate' }),
    });
    assert.deepEqual(outcome, deny('client_certificate_required', { detail: 'the client sent no certificate' }));
    assert.deepEqual(charged, ['192.0.2.1']);
  });

  it('is rate-limited before it is told', () => {
    const gate = requireCertificate(
      () => assert.fail('authenticated'),
      () => deny('rate_limited'),
    );
    assert.deepEqual(gate({ ...facts, sender: sender({ absence: 'none' }) }), deny('rate_limited'));
  });
});
