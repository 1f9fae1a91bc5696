/** The addresses of a name that a stranger chose. RFC 1035, RFC 3596. */
import { Resolver } from 'node:dns/promises';

const TRIES = 2;

/**
 * Asks the name servers itself: `getaddrinfo` waits on one of few threads, which the whole process shares, for as long as the
 * stranger's name server pleases. Rejects when there is no address within `timeoutMs`.
 */
export async function resolveHost(host: string, timeoutMs: number): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / TRIES), tries: TRIES });
  const timer = setTimeout(() => resolver.cancel(), timeoutMs);
  const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
  clearTimeout(timer);
  const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  if (addresses.length > 0) return addresses;
  const [first] = answers;
  throw new Error(`${host} has no address`, { cause: first.status === 'rejected' ? first.reason : undefined });
}
