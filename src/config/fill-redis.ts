/** What the replay cache has of the shared `redis`, after parsing. */
import type * as z from 'zod/mini';
import type { dpopSection } from './sections/dpop.ts';
import type { redisSection } from './sections/redis.ts';

interface Given {
  readonly dpop: z.output<typeof dpopSection>;
  readonly redis: z.output<typeof redisSection>;
}

export function fillReplayCache({ dpop, redis }: Given) {
  const { replay_cache: cache } = dpop;
  const own = cache.redis;
  return {
    ...dpop,
    replay_cache: {
      ...cache,
      redis: {
        // Without `backend: redis` it has one only if that is written, which is warned of.
        url: own.url ?? (cache.backend === 'redis' ? redis.url : ''),
        key_prefix: own.key_prefix ?? `${redis.key_prefix}dpop:`,
        connect_timeout: own.connect_timeout ?? redis.connect_timeout,
        command_timeout: own.command_timeout ?? redis.command_timeout,
        tls: { ca_file: own.tls.ca_file ?? redis.tls.ca_file },
      },
    },
  };
}
