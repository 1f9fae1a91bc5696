/** The keys that the main thread fetches for its workers. RFC 7517 §5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRuntimeFiles } from '../../../src/compose/files.ts';
import { createObservers } from '../../../src/observe/observers.ts';
import { KeyDesk } from '../../../src/workers/key-desk.ts';
import type { KeySnapshot } from '../../../src/workers/messages.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { formatConfig, parseConfig } from '../../support/obex.ts';
import { startTestIssuer } from '../../support/test-issuer.ts';
import { until } from '../../support/until.ts';

describe('KeyDesk', () => {
  it('does not fetch again for a worker that had not heard yet of keys just fetched', async (context) => {
    const clock = new FakeClock();
    const issuer = await startTestIssuer(context, clock);
    const told = Promise.withResolvers<KeySnapshot>();
    const desk = new KeyDesk(createObservers('error', { write: () => undefined }, { clock }), told.resolve);
    context.after(() => desk.stop());
    const config = parseConfig(formatConfig({ backend: { port: 1 }, issuer }));
    desk.prepare(config, readRuntimeFiles(config)).commit();
    const { source } = await told.promise;
    await desk.refresh({ source, worthFetching: true, fetchesSeen: 0 });
    assert.equal(issuer.fetches(), 1);
    await desk.refresh({ source, worthFetching: true, fetchesSeen: 1 });
    assert.equal(issuer.fetches(), 2);
  });

  it('tells nobody of keys that arrive when a reload has removed their issuer', async (context) => {
    const clock = new FakeClock();
    const issuer = await startTestIssuer(context, clock);
    const told: KeySnapshot[] = [];
    const desk = new KeyDesk(createObservers('error', { write: () => undefined }, { clock }), (snapshot) => {
      told.push(snapshot);
    });
    context.after(() => desk.stop());
    issuer.state = 'hanging';
    const config = parseConfig(formatConfig({ backend: { port: 1 }, issuer }));
    desk.prepare(config, readRuntimeFiles(config)).commit();
    await until('the fetch', () => issuer.fetches() === 1 || undefined);
    const without = parseConfig(formatConfig({ backend: { port: 1 } }));
    desk.prepare(without, readRuntimeFiles(without)).commit();
    issuer.release();
    const other = await startTestIssuer(context, clock);
    const next = parseConfig(formatConfig({ backend: { port: 1 }, issuer: other }));
    desk.prepare(next, readRuntimeFiles(next)).commit();
    await until('the keys of the next', () => told.length > 0 || undefined);
    assert.deepEqual(
      told.map(({ source }) => source.includes(other.url)),
      [true],
    );
  });
});
