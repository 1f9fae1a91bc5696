/** Failures of what the configuration names, told with its key. */
import { errorField } from './log.ts';

/** Rejects as `attempt` does, with the key before it. */
export async function underKey<T>(key: string, attempt: Promise<T>): Promise<T> {
  try {
    return await attempt;
  } catch (cause) {
    throw new Error(`${key}: ${errorField(cause)}`, { cause });
  }
}
