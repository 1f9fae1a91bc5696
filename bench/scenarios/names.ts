/** The scenarios, in the order in which they run. */
export const SCENARIO_NAMES = [
  'start',
  'login',
  'warm',
  'phase-1',
  'distinct',
  'verify',
  'dpop',
  'replay-cache',
  'refusals',
  'tls',
  'http2',
  'workers',
  'rate',
  'sse-1000',
  'sse-5000',
] as const;

export type ScenarioName = (typeof SCENARIO_NAMES)[number];
