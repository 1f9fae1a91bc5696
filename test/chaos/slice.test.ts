/** A small part of `make chaos` that is the same each time: every client and every kind of backend once over every transport. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROGRAM } from '../support/program.ts';
import { ARENAS, startArena } from './arena.ts';
import { Random } from './random.ts';
import { askOnEveryWay, drainRound, drawPairings, listPairings, runRound, SIDE_BY_SIDE } from './round.ts';

const SEED = 11;

describe('clients that stop, vanish and lie × backends that break off, stall and answer early', {
  concurrency: true,
}, () => {
  for (const spec of ARENAS.filter(({ name }) => ['plain-2', 'tls', 'unix'].includes(name))) {
    it(`${spec.ways.join(' and ')}: no exit, nothing left behind, every request accounted for`, async (context) => {
      const arena = await startArena(spec, context, PROGRAM);
      assert.deepEqual(await askOnEveryWay(arena, new Random(SEED)), []);
      await arena.remember();
      assert.deepEqual(await runRound(arena, SEED, listPairings(arena)), []);
      const last = drawPairings(arena, new Random(SEED), SIDE_BY_SIDE);
      assert.deepEqual(await drainRound(arena, SEED, last), [], 'SIGTERM in their midst');
    });
  }
});
