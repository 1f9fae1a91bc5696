/** Binding: what stands in the way is named with its cure; at a path it is replaced only if it is a dead socket. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, Server } from 'node:net';
import path from 'node:path';
import { describe, it } from 'node:test';
import { bind } from '../../../src/wire/bind.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

describe('a path that holds a file', () => {
  it('is refused, and the file is left as it was: a file that is no socket refuses connections too', async () => {
    const file = path.join(createTempFolder('bind').path, 'precious.txt');
    writeFileSync(file, 'precious');
    await assert.rejects(bind(createServer(), { path: file }), {
      message: `cannot listen on unix:${file}: another program listens there, or it is no socket; stop or remove it, or choose another path`,
    });
    assert.equal(readFileSync(file, 'utf8'), 'precious');
  });
});

describe('an address that cannot be had is refused with the cure', () => {
  /** A server whose `listen` the system refuses with this code. */
  function refusedBy(code: string): Server {
    return new (class extends Server {
      override listen(): this {
        this.emit('error', Object.assign(new Error(`listen ${code}`), { code }));
        return this;
      }
    })();
  }

  const address = { host: undefined, port: 443 };
  const socket = { path: '/run/obex/obex.sock' };
  const cases = [
    [
      'EADDRINUSE',
      address,
      ':443: the port is taken; "ss -tanp sport = :443", as root, shows by whom; stop that, or choose another port',
    ],
    [
      'EACCES',
      address,
      ':443: this user may not take so low a port; choose one from 1024 on, or give the program CAP_NET_BIND_SERVICE',
    ],
    [
      'EACCES',
      socket,
      'unix:/run/obex/obex.sock: its folder is not there, or is not for this user to write to; mend that, or choose another path',
    ],
    ['EACCES', { host: undefined, port: 8443 }, ':8443: this user may not take this port; choose another'],
    ['EADDRNOTAVAIL', address, ':443'],
    [
      'ENOTSUP',
      { host: undefined, port: 443, reusePort: true },
      ':443: this system does not let several threads share a port (SO_REUSEPORT); set obex.workers: 1',
    ],
  ] as const;
  for (const [code, where, message] of cases) {
    it(`${code}: ${message}`, () =>
      assert.rejects(bind(refusedBy(code), where), { message: `cannot listen on ${message}` }));
  }
});
