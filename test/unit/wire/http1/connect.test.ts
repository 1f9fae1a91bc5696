/** How sockets to the backend are opened. RFC 8305 §5. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createBackendPool } from '../../../../src/wire/http1/backend-pool.ts';
import { createConnect } from '../../../../src/wire/http1/connect.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';
import { backendOptions } from '../../../support/wire-server.ts';

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

describe('a unix socket', () => {
  it('is connected to in the place of the address in the URL, and answers through the pool', async (context) => {
    const folder = createTempFolder('connect');
    const path = join(folder.path, 'backend.sock');
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    });
    server.listen(path);
    await once(server, 'listening');
    const pool = createBackendPool({ ...backendOptions(1), socketPath: path });
    context.after(() => {
      pool.close();
      server.close();
      folder.remove();
    });
    await pool.probe(5_000);
  });

  it('that nobody listens on is a failure of the backend', async (context) => {
    const folder = createTempFolder('connect');
    const pool = createBackendPool({ ...backendOptions(1), socketPath: join(folder.path, 'none.sock') });
    context.after(() => {
      pool.close();
      folder.remove();
    });
    await assert.rejects(pool.probe(5_000), /ENOENT/);
  });
});
