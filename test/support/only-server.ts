/** A configuration of one server with something of that server changed. */
import type { Config, OneServer } from '../../src/config/schema.ts';

export function changeServer(config: Config, change: (server: OneServer) => Partial<OneServer>): Config {
  const [server] = config.servers;
  return { ...config, servers: [{ ...server, ...change(server) }] };
}
