/** Which function runs which scenario. */
import type { Bench } from '../bench.ts';
import type { Outcome } from '../measurement.ts';
import { runDpop } from './dpop.ts';
import * as http from './http.ts';
import { runLogins } from './login.ts';
import type { ScenarioName } from './names.ts';
import { runRate } from './rate.ts';
import { runReplayCacheFill } from './replay-cache.ts';
import { runStart } from './start.ts';
import { streamScenario } from './streams.ts';

export const SCENARIOS: Readonly<Record<ScenarioName, (bench: Bench) => Promise<Outcome>>> = {
  start: runStart,
  login: runLogins,
  warm: http.runWarm,
  'phase-1': http.runPhase1,
  distinct: http.runDistinct,
  verify: http.runVerify,
  dpop: runDpop,
  'replay-cache': runReplayCacheFill,
  refusals: http.runRefusals,
  tls: http.runTls,
  http2: http.runHttp2,
  workers: http.runWorkers,
  rate: runRate,
  'sse-1000': streamScenario('sse-1000', 1_000),
  'sse-5000': streamScenario('sse-5000', 5_000),
};
