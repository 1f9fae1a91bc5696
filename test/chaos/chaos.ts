/**
 * Program: minutes of clients that stop, vanish and lie before backends that break off, stall and answer early, over every
 * transport, at random, against the release bundle. Exits 0 or 1; a failure says what to run again.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { RELEASE } from '../support/obex-under-load.ts';
import { ARENAS, type ArenaSpec, startArena } from './arena.ts';
import { CHOICE } from './behaviours.ts';
import { Random } from './random.ts';
import { askOnEveryWay, CLIENTS, drainRound, drawPairings, type Filter, runRound, SIDE_BY_SIDE } from './round.ts';

const { CHAOS_SEED, CHAOS_ARENA, CHAOS_CLIENT, CHAOS_BACKEND } = process.env;
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 180);
const VISITS = Number(process.env['CHAOS_VISITS'] ?? 80);
const MOST_SHOWN = 30;
/** One seed is one round; the next round has the next. */
const FIRST_SEED = Number(CHAOS_SEED ?? Date.now() % 1_000_000_000);
const FILTER: Filter = { client: CHAOS_CLIENT, behaviour: CHAOS_BACKEND };

/** Clients and backends live in this process: when it stands still, whoever waits for them times out for no fault of Obex. */
const standstill = monitorEventLoopDelay();
standstill.enable();

refuseUnknown('CHAOS_ARENA', ARENAS);
refuseUnknown('CHAOS_CLIENT', CLIENTS);
refuseUnknown('CHAOS_BACKEND', CHOICE);

const stops: (() => void | Promise<void>)[] = [];
const cleanup = { after: (stop: () => void | Promise<void>): void => void stops.push(stop) };
const deadlineMs = performance.now() + SECONDS * 1000;
console.log(`Node ${process.version}, ${SECONDS} s, CHAOS_SEED=${FIRST_SEED}`);
try {
  const specs = ARENAS.filter(({ name }) => name === (CHAOS_ARENA ?? name));
  const verdicts = await Promise.all(specs.map(run));
  process.exitCode = verdicts.every((passed) => passed) ? 0 : 1;
} finally {
  for (const stop of stops.toReversed()) await stop();
}

/** A name with a slip would be a run without visits, and green. */
function refuseUnknown(variable: string, known: readonly { readonly name: string }[]): void {
  const wanted = process.env[variable];
  if (wanted === undefined || known.some(({ name }) => name === wanted)) return;
  throw new Error(`${variable}: expected one of\n${known.map(({ name }) => `  ${name}`).join('\n')}`);
}

/** Rounds until the time is over or one fails. */
async function run(spec: ArenaSpec): Promise<boolean> {
  const arena = await startArena(spec, cleanup, RELEASE);
  if (!report(spec, FIRST_SEED, await askOnEveryWay(arena, new Random(FIRST_SEED)))) return false;
  await arena.remember();
  let seed = FIRST_SEED;
  let passed = true;
  do {
    const pairings = drawPairings(arena, new Random(seed), VISITS, FILTER);
    passed = report(spec, seed, await runRound(arena, seed, pairings));
    seed += 1;
  } while (passed && performance.now() < deadlineMs);
  const last = drawPairings(arena, new Random(seed), SIDE_BY_SIDE, FILTER);
  passed = report(spec, seed - 1, await drainRound(arena, seed, last)) && passed;
  const { sent, told } = arena.ledger;
  console.log(
    `${spec.name}: ${seed - FIRST_SEED} rounds of ${VISITS} visits, ${sent} requests sent, ${told} of them told of, the others left on the way: ${passed ? 'ok' : 'FAILED'}`,
  );
  return passed;
}

function report({ name }: ArenaSpec, seed: number, faults: readonly string[]): boolean {
  for (const fault of faults.slice(0, MOST_SHOWN)) console.log(`${name}: ${fault}`);
  if (faults.length > 0)
    console.log(`${name}: this process stood still for ${Math.round(standstill.max / 1e6)} ms at most`);
  standstill.reset();
  if (faults.length > MOST_SHOWN) console.log(`${name}: and ${faults.length - MOST_SHOWN} more`);
  if (faults.length > 0) {
    console.log(
      `${name}: again with CHAOS_SEED=${seed} CHAOS_ARENA=${name} CHAOS_SECONDS=1 CHAOS_VISITS=${VISITS} make chaos`,
    );
    console.log(`${name}: narrower with CHAOS_CLIENT='name' and CHAOS_BACKEND='name', both from the lines above`);
  }
  return faults.length === 0;
}
