/** Rules between `redis` and what is told to use it. */
import type { Draft } from './draft.ts';
import { read } from './read-value.ts';
import { sections } from './schema.ts';

const { shape } = sections;
const store = shape.login.def.innerType.shape.store.def.out.shape;
const cache = shape.dpop.def.out.shape.replay_cache.def.out.shape;
const redis = shape.redis.def.out.shape;

const SHARED = ['redis', 'url'];
const EXAMPLE = 'for example "redis://redis:6379/0"';

export function checkRedis(draft: Draft): void {
  const shared = read(draft, SHARED, redis.url);
  if (shared !== '') return;
  if (read(draft, ['login', 'store', 'backend'], store.backend) === 'redis') {
    draft.report(SHARED, `is required with login.store.backend: redis; ${EXAMPLE}`);
  }
  const own = ['dpop', 'replay_cache', 'redis', 'url'];
  const usesRedis = read(draft, ['dpop', 'replay_cache', 'backend'], cache.backend) === 'redis';
  if (!usesRedis || draft.isAtFault(own) || (read(draft, own, cache.redis.def.out.shape.url) ?? '') !== '') return;
  draft.report(own, `is required with dpop.replay_cache.backend: redis, here or as redis.url; ${EXAMPLE}`);
}
