/** Which certificate the client of a request holds the key of: the connection's, or the one that a proxy tells. RFC 9440 §2. */
import { type ClientCertificate, certificateThumbprint } from '../lib/client-certificate.ts';
import { parseClientCert } from '../oauth/client-cert-field.ts';
import type { Exchange } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

export interface ClientCertificateOptions {
  /** Whether Client-Cert is believed, from a peer that is trusted. */
  readonly believesField: boolean;
  isTrustedPeer(exchange: Exchange): boolean;
}

export type ResolveClientCertificate = (exchange: Exchange) => ClientCertificate;

const NO_FIELD: ClientCertificate = { absence: 'the proxy in front sent no Client-Cert' };
const BAD_FIELD: ClientCertificate = {
  absence: 'the Client-Cert of the proxy in front is not one byte sequence (RFC 9440 §2.2)',
};

/** Whoever is no trusted proxy is asked nothing but its connection. A proxy has a certificate of its own, if any, which is not its client's. */
export function createClientCertificate(options: ClientCertificateOptions): ResolveClientCertificate {
  if (!options.believesField) return ({ clientCertificate }) => clientCertificate;
  return (exchange) => (options.isTrustedPeer(exchange) ? forwarded(exchange) : exchange.clientCertificate);
}

function forwarded({ head }: Exchange): ClientCertificate {
  const lines = fieldValues(head.fields, 'client-cert');
  if (lines.length === 0) return NO_FIELD;
  const der = parseClientCert(lines);
  return der === undefined ? BAD_FIELD : { thumbprint: certificateThumbprint(der) };
}
