/** Names without an address. RFC 6761 §6.4 (invalid). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { resolveHost } from '../../../../src/login/clients/resolve-host.ts';

describe('RFC 6761 §6.4: a name that is nowhere', () => {
  it('is said to have no address, whatever the name servers do', async () => {
    await assert.rejects(resolveHost('client.invalid', 500), { message: 'client.invalid has no address' });
  });
});
