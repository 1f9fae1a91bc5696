/** Clients that show certificates in TLS, over HTTP/1.1 and HTTP/2. RFC 8705 §2. */
import { X509Certificate } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { certificateThumbprint } from '../../src/lib/client-certificate.ts';
import { createCertificate, createChain } from './certificate.ts';
import { openHttp2Bytes } from './http2-bytes.ts';
import { openRaw, type RawClient, RawConnection } from './raw-http.ts';

export interface ClientIdentity {
  readonly cert: string;
  readonly key: string;
  /** `x5t#S256`. */
  readonly thumbprint: string;
  /** Client-Cert, as RFC 9440 §2.2 writes it. */
  readonly field: string;
}

function identify(cert: string, key: string): ClientIdentity {
  const { raw } = new X509Certificate(cert);
  return { cert, key, thumbprint: certificateThumbprint(raw), field: `:${raw.toString('base64')}:` };
}

/** One that the client has made itself. */
export function createIdentity(name: string): ClientIdentity {
  const { cert, key } = createCertificate(name);
  return identify(cert, key);
}

/** One that an authority has issued, `ca` in PEM form. */
export function createIssuedIdentity(): ClientIdentity & { readonly ca: string } {
  const { leaf, intermediate, root, key } = createChain('client.example');
  return { ...identify(leaf, key), cert: leaf + intermediate, ca: root };
}

export const PROTOCOLS = ['http/1.1', 'h2'] as const;

/** Connects to a loopback port; `identity` undefined = without a certificate. */
export async function openAs(
  port: number,
  identity: ClientIdentity | undefined,
  protocol: (typeof PROTOCOLS)[number] = 'http/1.1',
): Promise<RawClient<Duplex>> {
  const options = { ...toOptions(identity), ALPNProtocols: [protocol] };
  return protocol === 'h2' ? new RawConnection(await openHttp2Bytes(port, options)) : openRaw(port, options);
}

export function toOptions(identity: ClientIdentity | undefined): ConnectionOptions {
  const own = identity === undefined ? {} : { cert: identity.cert, key: identity.key };
  return { rejectUnauthorized: false, ...own };
}

export interface TlsExchange {
  readonly answer: string;
  readonly reused: boolean;
  /** What a later connection may resume. */
  readonly session: Buffer;
}

/** Sends bytes on a connection of its own and reads until the server hangs up. */
export function exchangeOnce(port: number, options: ConnectionOptions, request: string): Promise<TlsExchange> {
  const { promise, resolve, reject } = Promise.withResolvers<TlsExchange>();
  let answer = '';
  let session: Buffer = Buffer.alloc(0);
  let reused = false;
  const socket: TLSSocket = connect({ host: '127.0.0.1', port, ...options }, () => {
    reused = socket.isSessionReused();
    socket.write(request);
  });
  socket.on('session', (ticket: Buffer) => {
    session = ticket;
  });
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', reject);
  socket.on('close', () => resolve({ answer, reused, session }));
  return promise;
}
