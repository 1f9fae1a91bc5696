/** What goes wrong beside requests is counted each time, told once a second, and never quotes a client. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createObservers } from '../../../src/observe/observers.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function observe() {
  const lines: Record<string, unknown>[] = [];
  const clock = new FakeClock();
  const sink = { write: (line: string): void => void lines.push(JSON.parse(line)) };
  const { engine, metrics } = createObservers('debug', sink, { clock });
  const count = (sample: string): string | undefined =>
    metrics
      .format()
      .split('\n')
      .find((line) => line.startsWith(`${sample} `))
      ?.slice(sample.length + 1);
  return { engine, lines, clock, count };
}

describe('a bug', () => {
  it('is an event of level error with its stack and without its message, which may hold what a client sent', () => {
    const { engine, lines, count } = observe();
    engine.onBug(new TypeError('invalid: Bearer secret\n    and more of it'));
    assert.equal(lines.length, 1);
    const [line] = lines;
    assert.partialDeepStrictEqual(line, { level: 'error', event: 'bug', error: 'TypeError', count: 1 });
    assert.match(String(line?.['stack']), /^ {4}at .*engine-reports\.test\.ts/);
    assert.equal(JSON.stringify(line).includes('secret'), false);
    assert.equal(count('obex_bugs_total'), '1');
  });

  it('whatever was thrown, and however often: one event a second, each counted', () => {
    const { engine, lines, clock, count } = observe();
    for (const thrown of ['text', undefined, { code: 'secret' }]) engine.onBug(thrown);
    clock.advance(1000);
    engine.onBug(new Error('a bug'));
    assert.deepEqual(
      lines.map(({ error, count: times }) => [error, times]),
      [
        ['string', 1],
        ['Error', 3],
      ],
    );
    assert.equal(count('obex_bugs_total'), '4');
  });
});

describe('failures at the door', () => {
  it('connections that were not accepted: one event a second, each counted by its reason', () => {
    const { engine, lines, clock, count } = observe();
    for (let times = 0; times < 3; times += 1) engine.onAcceptFailure('max_connections', undefined);
    clock.advance(1000);
    engine.onAcceptFailure('system', 'ENOBUFS');
    const events = lines.map(({ level, event, reason, code, count: times }) => [level, event, reason, code, times]);
    assert.deepEqual(events, [
      ['warn', 'accept_failed', 'max_connections', undefined, 1],
      ['warn', 'accept_failed', 'system', 'ENOBUFS', 3],
    ]);
    assert.equal(count('obex_accept_failures_total{reason="max_connections"}'), '3');
    assert.equal(count('obex_accept_failures_total{reason="descriptors"}'), '0');
    assert.equal(count('obex_accept_failures_total{reason="system"}'), '1');
  });

  it('handshakes that failed: an event of level debug, counted by its reason', () => {
    const { engine, lines, count } = observe();
    engine.onHandshakeFailure('no_shared_cipher', 'ERR_SSL_NO_SHARED_CIPHER');
    const [{ level, event, reason, code } = {}] = lines;
    assert.deepEqual(
      [level, event, reason, code],
      ['debug', 'tls_handshake_failed', 'no_shared_cipher', 'ERR_SSL_NO_SHARED_CIPHER'],
    );
    assert.equal(count('obex_tls_handshake_failures_total{reason="no_shared_cipher"}'), '1');
    assert.equal(count('obex_tls_handshake_failures_total{reason="other"}'), '0');
  });
});
