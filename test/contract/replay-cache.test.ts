/** The replay cache port, over the memory implementation; test/peers runs the same over Redis. RFC 9449 §11.1. */
import { describe } from 'node:test';
import { createReplayMemory } from '../../src/state/replay-cache-memory.ts';
import { itIsAReplayCache } from '../support/replay-cache-contract.ts';
import { TimedReplayCache } from '../support/timed-replay-cache.ts';

describe('the replay cache in memory', () => {
  itIsAReplayCache(() => new TimedReplayCache(createReplayMemory(1000)));
});
