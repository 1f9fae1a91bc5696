/** The keys that the main thread fetches for its workers. RFC 7517 §5. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createObservers } from '../../../src/observe/observers.ts';
import { readRuntimeFiles } from '../../../src/runtime-tls.ts';
import { KeyDesk } from '../../../src/workers/key-desk.ts';
import type { KeySnapshot } from '../../../src/workers/messages.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { formatConfig, parseConfig } from '../../support/obex.ts';
import { startTestIssuer } from '../../support/test-issuer.ts';

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
});
