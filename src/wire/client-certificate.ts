/** What the TLS handshake of a connection said of its client's certificate. RFC 8446 §4.4.2, RFC 8705 §2. */
import type { TLSSocket } from 'node:tls';
import { type ClientCertificate, certificateThumbprint } from '../lib/client-certificate.ts';

/** The certificate of one connection. */
export interface ConnectionCertificate {
  readonly value: ClientCertificate;
}

/** Of a connection whose client was not asked for one. */
export const NOT_ASKED_FOR: ConnectionCertificate = { value: { absence: 'the connection was not asked for one' } };

/**
 * Read when it is first asked for, which is seldom, and kept: no later message of TLS can put another in its place
 * (`tls-options.ts`). A resumed session has the certificate of the handshake that it goes back to, inside its ticket.
 */
export class TlsClientCertificate implements ConnectionCertificate {
  readonly #socket: TLSSocket;
  readonly #needsAuthority: boolean;
  #value: ClientCertificate | undefined = undefined;

  constructor(socket: TLSSocket, needsAuthority: boolean) {
    this.#socket = socket;
    this.#needsAuthority = needsAuthority;
  }

  get value(): ClientCertificate {
    this.#value ??= this.#read();
    return this.#value;
  }

  #read(): ClientCertificate {
    const socket = this.#socket;
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) return { absence: 'the client sent no certificate' };
    if (this.#needsAuthority && !socket.authorized) {
      return { absence: `the client's certificate is not trusted: ${String(socket.authorizationError)}` };
    }
    return { thumbprint: certificateThumbprint(certificate.raw) };
  }
}
