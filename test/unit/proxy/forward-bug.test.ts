/** A bug while an answer begins ends that answer: the client does not wait for what never comes. RFC 9112 §8. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Tally } from '../../../src/lib/tally.ts';
import type { Principal } from '../../../src/oauth/principal.ts';
import { Forwarding, InFlight } from '../../../src/proxy/forward.ts';
import { head, RecordingSink } from '../../support/wire-peers.ts';
import { exchangeFrom } from '../server/exchange.ts';

describe('a bug as an event stream begins', () => {
  it('breaks it off', () => {
    const sink = new RecordingSink();
    const inFlight = new InFlight({
      backendRequests: new Tally(),
      eventStreams: new Tally(),
      principals: undefined,
      nowMs: () => 0,
      onEnding: () => undefined,
      onEventStreams: () => {
        throw new Error('a bug');
      },
    });
    const principal: Principal = { rateLimitKey: '', identityFields: [], key: undefined, accessToken: undefined };
    const forwarding = new Forwarding(
      {
        exchange: { ...exchangeFrom('127.0.0.1'), respond: () => sink },
        vouched: { identityFields: [], requestId: '', receivedProtocol: '1.1', clientAddress: '' },
        principal,
        principalKey: '',
        ownFields: [],
        responding: () => undefined,
        refuse: () => assert.fail('the answer has begun'),
      },
      {
        backend: { send: () => assert.fail(), probe: () => assert.fail(), close: () => undefined },
        formatBackendFields: () => assert.fail(),
        formatClientFields: (fields) => fields,
        maxBodyBytes: undefined,
        paths: undefined,
        maxRequests: () => 1,
        perPrincipal: { maxRequests: 1, maxStreams: 1 },
        inFlight,
        streamEndsAtMs: () => Number.POSITIVE_INFINITY,
      },
      undefined,
    );
    assert.throws(() => forwarding.onHead(head(200, ['Content-Type', 'text/event-stream'])), /a bug/);
    forwarding.onFailure('backend_unavailable', new Error('a bug has ended the connection'));
    assert.equal(sink.outcome, 'backend_closed');
  });
});
