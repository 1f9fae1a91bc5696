/** Polls a condition of the outside world until it holds, with a deadline: for what sends no event of its own. */
import { setTimeout as pause } from 'node:timers/promises';

const PAUSE_MS = 20;

/**
 * Calls `attempt` until it returns something other than undefined and returns that. An attempt that throws counts as
 * "not yet"; the last error is the cause of the failure when the deadline passes.
 */
export async function until<T>(
  what: string,
  attempt: () => Promise<T | undefined> | T | undefined,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = AbortSignal.timeout(timeoutMs);
  let cause: unknown;
  while (!deadline.aborted) {
    try {
      const outcome = await attempt();
      if (outcome !== undefined) return outcome;
    } catch (error) {
      cause = error;
    }
    await pause(PAUSE_MS);
  }
  throw new Error(`timed out waiting for ${what}`, { cause });
}
