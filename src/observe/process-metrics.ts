/** What Prometheus expects every process to tell of itself: CPU, memory, start time, version. */

import type { MetricFamily } from './exposition.ts';
import { counter, gauge } from './metrics.ts';

const MICROSECONDS = 1e6;

export function processMetrics(version: string, phase: () => number): readonly MetricFamily[] {
  const startedAt = performance.timeOrigin / 1000;
  return [
    gauge('obex_build_info', 'Always 1; the labels say what runs.', () => [
      { labels: { version, node: process.versions.node, phase: String(phase()) }, value: 1 },
    ]),
    counter('process_cpu_seconds_total', 'User and system CPU time.', () => {
      const { user, system } = process.cpuUsage();
      return [{ value: (user + system) / MICROSECONDS }];
    }),
    gauge('process_resident_memory_bytes', 'Resident memory.', () => [{ value: process.memoryUsage.rss() }]),
    gauge('process_start_time_seconds', 'Start of the process, seconds since the epoch.', () => [{ value: startedAt }]),
  ];
}
