/** The metric families that read the present state of the runtime at each scrape. */

import type { TrustedIssuer } from './gate/verify-access-token.ts';
import type { MetricFamily, Sample } from './observe/exposition.ts';
import { counter, gauge } from './observe/metrics.ts';
import type { Runtime } from './runtime.ts';

/** `current` is the runtime in force; `connections` counts those of the main listener. */
export function runtimeMetrics(current: () => Runtime, connections: () => number): readonly MetricFamily[] {
  const perIssuer = (sample: (trusted: TrustedIssuer) => readonly Sample[]) => (): Iterable<Sample> =>
    current().issuers.flatMap(sample);
  return [
    gauge('obex_connections', 'Client connections open now.', () => [{ value: connections() }]),
    gauge('obex_event_streams', 'Event streams (SSE) open now.', () => [
      { value: current().service.forwarder.inFlight.eventStreams.size },
    ]),
    gauge('obex_token_cache_entries', 'Verified tokens kept.', () => [{ value: current().verifiedTokens.entries }]),
    gauge('obex_token_cache_bytes', 'Estimated memory of the verified tokens kept.', () => [
      { value: current().verifiedTokens.bytes },
    ]),
    counter(
      'obex_jwks_fetches_total',
      'Fetches of key sets, by issuer and result.',
      perIssuer(({ issuer, jwks }) => [
        { labels: { issuer, result: 'success' }, value: jwks.statistics.successes },
        { labels: { issuer, result: 'failure' }, value: jwks.statistics.failures },
      ]),
    ),
    gauge(
      'obex_jwks_keys',
      'Usable keys, by issuer; 0 means that its tokens are answered 503.',
      perIssuer(({ issuer, jwks }) => [{ labels: { issuer }, value: jwks.keys?.length ?? 0 }]),
    ),
    gauge(
      'obex_jwks_last_success_timestamp_seconds',
      'Time of the last fetch that succeeded, by issuer; 0 before the first.',
      perIssuer(({ issuer, jwks }) => [{ labels: { issuer }, value: jwks.statistics.fetchedAtMs / 1000 }]),
    ),
  ];
}
