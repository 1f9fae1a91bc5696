/** Tokens that are bound to the certificate that their sender holds the key of, and listeners that want one. RFC 8705 §3. */
import type { ClientCertificate } from '../lib/client-certificate.ts';
import { type Denial, deny } from '../oauth/denial.ts';
import type { AccessToken } from '../oauth/principal.ts';
import type { Charge } from './charge.ts';

/** Who sends a request, as far as certificates tell. Asked when it matters, which it does for few requests. */
export interface Sender {
  /** What a token may be bound to: of the connection, or as a proxy in front tells. */
  readonly clientCertificate: ClientCertificate;
  /** Of the connection, whoever holds it. */
  readonly connectionCertificate: ClientCertificate;
}

/** RFC 8705 §3: "the protected resource MUST obtain the client certificate … and MUST verify that [it] matches". */
export function refuseOtherCertificate(token: AccessToken, sender: Sender): Denial | undefined {
  const { x5tS256: expected } = token;
  if (expected === undefined) return undefined;
  const { clientCertificate } = sender;
  if ('absence' in clientCertificate) {
    const detail = `the token is bound to a certificate: ${clientCertificate.absence}`;
    return deny('token_not_bound', { detail, expected, token });
  }
  const { thumbprint: actual } = clientCertificate;
  if (actual === expected) return undefined;
  return deny('token_not_bound', { detail: 'the token is bound to another certificate', expected, actual, token });
}

/** What is asked of a request before any phase looks at it. */
interface Arrival {
  readonly clientKey: string;
  readonly sender: Sender;
}

/** In front of any phase: a connection without a certificate that counts gets no further. */
export function requireCertificate<Facts extends Arrival, Outcome>(
  authenticate: (facts: Facts) => Outcome,
  chargeClient: Charge,
): (facts: Facts) => Outcome | Denial {
  return (facts) => {
    const { connectionCertificate: certificate } = facts.sender;
    if ('thumbprint' in certificate) return authenticate(facts);
    return chargeClient(facts.clientKey) ?? deny('client_certificate_required', { detail: certificate.absence });
  };
}
