/** `/metrics`: Prometheus text exposition format 0.0.4. */
import type { Metrics } from '../../observe/metrics.ts';
import type { Respond } from '../endpoint.ts';
import { respondWith } from '../respond.ts';

const FIELDS = ['Content-Type', 'text/plain; version=0.0.4; charset=utf-8', 'Cache-Control', 'no-store'] as const;

export function createMetricsEndpoint(metrics: Metrics): Respond {
  return (life) => respondWith(life, 200, { fields: FIELDS, body: metrics.format() });
}
