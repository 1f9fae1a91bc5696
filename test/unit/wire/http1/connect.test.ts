/** How sockets to the backend are opened. RFC 8305 §5. */
import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { createConnect } from '../../../../src/wire/http1/connect.ts';

const RECEIVER = {
  onBytes: () => undefined,
  onConnected: () => undefined,
  onWritten: () => undefined,
  onBug: () => undefined,
};

/** What `node:net` is asked for; nothing is connected. */
function askedFor(context: TestContext, url: string, connectTimeoutMs: number): string {
  const connect = context.mock.method(Socket.prototype, 'connect', function asked(this: Socket) {
    return this;
  });
  createConnect({ url: new URL(url), ca: undefined, connectTimeoutMs })(RECEIVER).destroy();
  const asked = JSON.stringify(connect.mock.calls[0]?.arguments);
  connect.mock.restore();
  return asked;
}

describe('RFC 8305 §5: a name with several addresses', () => {
  for (const url of ['http://backend.test:9090', 'https://backend.test:9090']) {
    it(`${url}: an address has a quarter of the time for a connection, not Node’s 250 ms`, (context) => {
      assert.match(askedFor(context, url, 5_000), /"autoSelectFamilyAttemptTimeout":1250\b/);
      assert.match(askedFor(context, url, 2), /"autoSelectFamilyAttemptTimeout":1\b/);
    });
  }
});
