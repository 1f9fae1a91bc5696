/** How a connection to Redis is opened. RFC 8305 §5. */
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { connectToServer } from '../../../src/state/redis-connection.ts';

describe('RFC 8305 §5: a name with several addresses', () => {
  it('an address has a quarter of the time for a connection, not Node’s 250 ms', async (context) => {
    // Nothing is connected: the limit passes.
    const connect = context.mock.method(Socket.prototype, 'connect', function asked(this: Socket) {
      return this;
    });
    const options = {
      tls: false,
      ca: undefined,
      credentials: { username: undefined, password: undefined },
      database: 0,
    };
    const opening = connectToServer(
      { host: 'redis.test', port: 6379 },
      { ...options, connectTimeoutMs: 40 },
      () => undefined,
    );
    await assert.rejects(opening, /Connection timeout|no answer in 40 ms/);
    assert.match(JSON.stringify(connect.mock.calls[0]?.arguments), /"autoSelectFamilyAttemptTimeout":10\b/);
  });
});
