/** Which Redis to connect to: the one configured, the master that sentinels name, or a cluster. */
import type { Clock } from '../lib/clock.ts';
import type { RedisUrl } from '../lib/redis-url.ts';
import {
  connectToCluster,
  connectToServer,
  type RedisConnection,
  type RedisConnectionOptions,
} from './redis-connection.ts';
import { RedisSentinels } from './redis-sentinels.ts';

export interface RedisSource {
  open(onLost: () => void): Promise<RedisConnection>;
  /** False when the server connected to may have been replaced as master without our knowing. */
  isCurrent(): boolean;
  stop(): void;
}

export interface RedisSourceOptions {
  readonly url: RedisUrl;
  readonly ca: string | undefined;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
}

export function createRedisSource({ url, ca, connectTimeoutMs, clock }: RedisSourceOptions): RedisSource {
  const { tls, credentials, sentinelCredentials, database, addresses, masterName } = url;
  const options: RedisConnectionOptions = { tls, ca, credentials, database, connectTimeoutMs };
  switch (url.kind) {
    case 'server': {
      const [address = { host: '', port: 0 }] = addresses;
      return alwaysCurrent((onLost) => connectToServer(address, options, onLost));
    }
    case 'cluster':
      return alwaysCurrent((onLost) => connectToCluster(addresses, options, onLost));
    case 'sentinel': {
      const sentinelOptions = { ...options, credentials: sentinelCredentials, database: 0 };
      const sentinels = new RedisSentinels({ addresses, masterName, connection: sentinelOptions, clock });
      return {
        open: async (onLost) => connectToServer(await sentinels.findMaster(onLost), options, onLost),
        isCurrent: () => sentinels.isConfirmed,
        stop: () => sentinels.stop(),
      };
    }
  }
}

function alwaysCurrent(open: RedisSource['open']): RedisSource {
  return { open, isCurrent: () => true, stop: () => {} };
}
