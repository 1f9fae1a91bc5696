/** What fails below the library while it answers a request. It would make a fault of the client out of an outage. */
import { AsyncLocalStorage } from 'node:async_hooks';

const requests = new AsyncLocalStorage<{ error?: unknown }>();

/** To be called within `exposingFailures`; the first failure counts. */
export function noteFailure(error: unknown): void {
  const request = requests.getStore();
  if (request !== undefined && request.error === undefined) request.error = error;
}

/** Rejects with what was noted meanwhile, whatever `act` comes to. */
export async function exposingFailures<T>(act: () => Promise<T>): Promise<T> {
  const request: { error?: unknown } = {};
  // light-my-request begins only when somebody waits for it, which must be in here.
  const outcome = await requests.run(request, async () => act());
  if (request.error !== undefined) throw request.error;
  return outcome;
}
