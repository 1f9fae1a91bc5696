/** The metric families that read the present state of the runtime at each scrape. */
import { X509Certificate } from 'node:crypto';
import type { MetricFamily, Sample } from '../observe/exposition.ts';
import { counter, gauge, type Metrics } from '../observe/metrics.ts';
import { serverFamilies } from '../observe/server-metrics.ts';
import type { ProcessWide } from '../state/process-wide.ts';
import type { ServerTls } from '../wire/exchange.ts';
import type { Issuer } from './issuers.ts';
import type { Runtime } from './runtime.ts';

/** `current` is the runtime in force. */
export function runtimeMetrics(
  current: () => Runtime,
  shared: ProcessWide,
  { introspection, login }: Metrics,
): readonly MetricFamily[] {
  const perIssuer = (sample: (issuer: Issuer) => readonly Sample[]) => (): Iterable<Sample> =>
    current().issuers.flatMap(sample);
  return [
    gauge('obex_connections', 'Client connections open now.', () => [{ value: shared.connections.total }]),
    gauge('obex_event_streams', 'Event streams (SSE) open now.', () => [{ value: shared.eventStreams.total }]),
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
    ...(shared.programs?.metrics.families ?? []),
    ...introspection.families(() => current().introspection?.issuer.issuer),
    ...login.families(() => current().issuers.some(({ jwks }) => jwks.source.isOwn === true)),
    ...serverFamilies(() =>
      current().servers.flatMap(({ name, server: { metrics } }) =>
        name === undefined || metrics === undefined ? [] : [[name, metrics]],
      ),
    ),
    ...certificateMetrics(current),
    ...dpopMetrics(current),
  ];
}

/** None without TLS: a reload cannot switch it on. */
function certificateMetrics(current: () => Runtime): readonly MetricFamily[] {
  if (current().tls === undefined) return [];
  return [
    gauge(
      'obex_certificate_not_after_timestamp_seconds',
      'End of the certificate that clients are shown; of a chain, of the first.',
      () => endOf(current().tls),
    ),
  ];
}

function endOf(tls: ServerTls | undefined): readonly Sample[] {
  return tls === undefined ? [] : [{ value: new X509Certificate(tls.cert).validToDate.getTime() / 1000 }];
}

/** None below phase 3: a reload cannot change the phase, nor where the replay cache is. */
function dpopMetrics(current: () => Runtime): readonly MetricFamily[] {
  const { dpop } = current();
  if (dpop === undefined) return [];
  const { metrics, replayMemory } = dpop;
  if (replayMemory === undefined) return metrics.families;
  return [
    ...metrics.families,
    gauge('obex_dpop_replay_cache_entries', 'Proofs remembered in memory now.', () => [
      { value: replayMemory.countEntries() },
    ]),
    gauge(
      'obex_dpop_replay_cache_max_entries',
      'Proofs that can be remembered; beyond, requests are answered 503.',
      () => [{ value: replayMemory.maxEntries }],
    ),
  ];
}
