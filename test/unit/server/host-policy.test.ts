/** Hosts that a page of a foreign site cannot have brought (DNS rebinding). RFC 9110 §7.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createHostPolicy } from '../../../src/server/host-policy.ts';

describe('createHostPolicy', () => {
  const isAllowed = createHostPolicy({
    publicUrl: new URL('https://tool.example.com:8443'),
    allowedHosts: ['Obex.Internal', 'b.example:99'],
  });

  const allowed = [
    'localhost',
    'LocalHost:1',
    'localhost:',
    'tool.example.com',
    'TOOL.example.com:8443',
    'tool.example.com:1',
    'obex.internal',
    'b.example',
    '127.0.0.1',
    '10.0.0.1:80',
    '0.0.0.0',
    '[::1]',
    '[::1]:80',
    '[2001:DB8::1]',
    '[::ffff:127.0.0.1]:1',
  ];
  for (const host of allowed) it(`${host} passes`, () => assert.equal(isAllowed(host), true));

  const refused = [
    '',
    ':80',
    'evil.example',
    'evil.example:8443',
    'localhost.evil.example',
    'evil.localhost',
    'tool.example.com.evil.example',
    'xtool.example.com',
    'tool.example.com.',
    'localhost.',
    '127.0.0.1.evil.example',
    '127.1',
    '0x7f.1',
    '2130706433',
    '::1',
    '[::1',
    '[evil]',
    '[]',
    'localhost:80:80',
    'localhost,evil.example',
    'user@localhost',
  ];
  for (const host of refused) it(`${JSON.stringify(host)} is refused`, () => assert.equal(isAllowed(host), false));
});
