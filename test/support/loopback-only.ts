/**
 * Preload (`node --import`) for servers that know only a port and would listen on every interface: they listen on
 * 127.0.0.1 instead, and write `listening on port N` to stderr, so that PORT=0 works.
 */
import { Server } from 'node:net';

const listen = Reflect.get(Server.prototype, 'listen');

Reflect.set(Server.prototype, 'listen', function listenOnLoopback(this: Server, ...args: unknown[]): Server {
  this.once('listening', () => {
    const address = this.address();
    if (address !== null && typeof address === 'object') process.stderr.write(`listening on port ${address.port}\n`);
  });
  const [port, ...rest] = args;
  const callbacks = rest.filter((argument) => typeof argument === 'function');
  return Reflect.apply(listen, this, [{ port: Number(port), host: '127.0.0.1' }, ...callbacks]);
});
