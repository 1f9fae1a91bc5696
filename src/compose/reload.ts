/** What stays as it is for the life of a process, whatever a reload brings. */
import { phaseOf } from '../config/phase.ts';
import type { Config } from '../config/schema.ts';
import { parseRedisUrl } from '../lib/redis-url.ts';

/** What a reload cannot change: the sockets and threads that stand, and how much is verified. */
export function refuseFixedChanges(before: Config, after: Config): void {
  const fixed: readonly (readonly [string, unknown, unknown])[] = [
    ['obex.listen', before.obex.listen, after.obex.listen],
    ['obex.workers', before.obex.workers, after.obex.workers],
    ['obex.tls.enabled', before.obex.tls.enabled, after.obex.tls.enabled],
    ['obex.tls.client_auth', before.obex.tls.client_auth, after.obex.tls.client_auth],
    // Whatever it has sealed would be unknown.
    ['obex.secret', before.obex.secret, after.obex.secret],
    ['admin.listen', before.admin.listen, after.admin.listen],
    ['metrics.listen', before.metrics.listen, after.metrics.listen],
    // It has a thread of its own.
    ['whether there is a login', before.login !== undefined, after.login !== undefined],
    // They have a thread of their own too.
    ['whether there is a backend.command', hasProgram(before), hasProgram(after)],
    ['login.store', before.login?.store, after.login?.store],
  ];
  refuseOtherPhase(before, after);
  const memory = { ...replayMemoryOf(before), ...loginRedisOf(before) };
  const next: typeof memory = { ...replayMemoryOf(after), ...loginRedisOf(after) };
  for (const [name, old, value] of [
    ...fixed,
    ...Object.entries(memory).map(([key, at]) => [key, at, next[key]] as const),
  ]) {
    if (JSON.stringify(old) !== JSON.stringify(value)) {
      throw new Error(`a reload cannot change ${name}; restart Obex to change it`);
    }
  }
}

function hasProgram({ servers }: Config): boolean {
  return servers.some(({ backend }) => backend.command.length > 0);
}

/** Told with both phases: a restart with a file that has lost its `idp` would let everybody in. */
function refuseOtherPhase(before: Config, after: Config): void {
  const [from, to] = [phaseOf(before), phaseOf(after)];
  if (from === to) return;
  const lower = to < from ? ', with less protection: is something missing in the file?' : '';
  throw new Error(`a reload cannot change the phase, from ${from} to ${to}${lower}; restart Obex to change it`);
}

/** Where the proofs that were used are remembered: another place would know nothing of them. How to be let in there may change. */
function replayMemoryOf({ dpop }: Config): Readonly<Record<string, unknown>> {
  const { backend, max_entries: maxEntries, redis } = dpop.replay_cache;
  if (backend === 'memory')
    return { 'dpop.replay_cache.backend': backend, 'dpop.replay_cache.max_entries': maxEntries };
  return { 'dpop.replay_cache.backend': backend, ...redisPlaceOf('dpop.replay_cache.redis', redis) };
}

function loginRedisOf({ login, redis }: Config): Readonly<Record<string, unknown>> {
  return login?.store.backend === 'redis' ? redisPlaceOf('redis', redis) : {};
}

function redisPlaceOf(key: string, redis: Config['redis']): Readonly<Record<string, unknown>> {
  const url = parseRedisUrl(redis.url);
  return {
    [`scheme, host or port in ${key}.url`]: [url?.kind, url?.tls, url?.addresses],
    [`the master name in ${key}.url`]: url?.masterName,
    [`the database in ${key}.url`]: url?.database,
    [`${key}.key_prefix`]: redis.key_prefix,
    [`${key}.connect_timeout`]: redis.connect_timeout,
    [`${key}.command_timeout`]: redis.command_timeout,
  };
}
