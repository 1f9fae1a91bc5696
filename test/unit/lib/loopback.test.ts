/** Host names that mean this machine. RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLoopbackHost } from '../../../src/lib/loopback.ts';

describe('RFC 6761 §6.3', () => {
  it('knows loopback hosts as a URL spells them, and no look-alikes', () => {
    const yes = ['localhost', 'app.localhost', '127.0.0.1', '127.255.0.1', '[::1]'];
    const no = ['::1', '', 'localhost.', '128.0.0.1', '127.0.0.1.example', 'xlocalhost', 'localhost.example'];
    assert.deepEqual([...yes, ...no].filter(isLoopbackHost), yes);
  });
});
