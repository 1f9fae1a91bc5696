/** What stays as it is for the life of a process, whatever a reload brings. */
import { phaseOf } from './config/phase.ts';
import type { Config } from './config/schema.ts';

/** What a reload cannot change: the sockets and threads that stand, and how much is verified. */
export function refuseFixedChanges(before: Config, after: Config): void {
  const fixed: readonly (readonly [string, unknown, unknown])[] = [
    ['obex.listen', before.obex.listen, after.obex.listen],
    ['obex.workers', before.obex.workers, after.obex.workers],
    ['obex.tls.enabled', before.obex.tls.enabled, after.obex.tls.enabled],
    ['metrics.listen', before.metrics.listen, after.metrics.listen],
    ['the phase', phaseOf(before), phaseOf(after)],
    // A new cache would know nothing of the proofs that were used before.
    ['dpop.replay_cache', before.dpop.replay_cache, after.dpop.replay_cache],
  ];
  for (const [name, old, next] of fixed) {
    if (JSON.stringify(old) !== JSON.stringify(next)) {
      throw new Error(`a reload cannot change ${name}; restart Obex to change it`);
    }
  }
}
