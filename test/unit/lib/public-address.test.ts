/** Where a stranger may have Obex connect to. RFC 6890, RFC 4291 §2.5.5, RFC 6052, RFC 3056. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isPublicAddress } from '../../../src/lib/public-address.ts';

describe('RFC 6890: addresses that are not of the public internet', () => {
  for (const address of `0.0.0.0 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.255 169.254.169.254
    168.63.129.16 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1
    198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1
    ::10.0.0.1 ::8.8.8.8 ::ffff:10.0.0.1 ::ffff:a00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 fc00::1
    fd00::1 fd00:ec2::254 fe80::1 fe80::1%lo fec0::1 ff02::1 100::1 64:ff9b::a00:1
    64:ff9b::10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::808:808 2002:a00:1::
    2002:7f00:1::1 2001::1 2001:10::1 2001:db8::1 3fff::1 5f00::1`.split(/\s+/)) {
    it(`refuses ${address}`, () => assert.equal(isPublicAddress(address), false));
  }

  for (const address of `8.8.8.8 1.1.1.1 93.184.216.34 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0
    169.253.255.255 192.167.255.255 198.17.255.255 198.20.0.0 223.255.255.255 168.63.129.17
    2606:4700::6810:84e5 2a00:1450:4001:82a::200e 2001:4860:4860::8888 64:ff9b::808:808`.split(/\s+/)) {
    it(`takes ${address}`, () => assert.equal(isPublicAddress(address), true));
  }

  it('takes nothing that is no address', () => {
    for (const text of [
      '',
      'localhost',
      '2130706433',
      '0x7f.1',
      '127.1',
      '8.8.8.8.',
      ' 8.8.8.8',
      '[::1]',
      '8.8.8.8/32',
    ]) {
      assert.equal(isPublicAddress(text), false, text);
    }
  });
});
