/** The first bytes of a TLS handshake, as a client of `node:tls` sends them. RFC 8446 §4.1.2. */
import { Duplex } from 'node:stream';
import { connect } from 'node:tls';

export const CLIENT_HELLO = await recordClientHello();

function recordClientHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const socket = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, callback) => {
      resolve(chunk);
      callback();
    },
  });
  connect({ socket, servername: 'localhost', ALPNProtocols: ['h2', 'http/1.1'] }).on('error', () => undefined);
  return promise;
}
