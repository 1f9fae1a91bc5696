/** Whose request it is, behind any number of proxies, and what counts as one client. RFC 7239 §8, RFC 4291. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createClientAddress } from '../../../src/server/client-address.ts';
import { exchangeFrom } from './exchange.ts';

function addressOf(trusted: readonly string[], peer: string, ...forwardedFor: readonly string[]): string {
  const fields = forwardedFor.flatMap((value) => ['X-Forwarded-For', value]);
  const options = { trustedProxies: trusted, isUnixSocket: peer === '' };
  return createClientAddress(options)(exchangeFrom(peer, fields)).address;
}

describe('without trusted proxies', () => {
  it('the socket’s peer is the client, whatever X-Forwarded-For says', () => {
    assert.equal(addressOf([], '203.0.113.7', '6.6.6.6'), '203.0.113.7');
    assert.equal(addressOf([], '127.0.0.1', '6.6.6.6'), '127.0.0.1');
    assert.equal(addressOf([], '', '6.6.6.6'), '');
  });
});

describe('with trusted proxies', () => {
  const TRUSTED = ['10.0.0.0/8', '192.0.2.1', 'fd00::/8'];

  const chains: readonly (readonly [how: string, peer: string, forwardedFor: readonly string[], client: string])[] = [
    ['a peer that is not trusted cannot name anybody', '203.0.113.7', ['6.6.6.6'], '203.0.113.7'],
    ['one trusted proxy', '10.0.0.1', ['203.0.113.7'], '203.0.113.7'],
    ['what the client wrote stands left of the truth', '10.0.0.1', ['6.6.6.6, 203.0.113.7'], '203.0.113.7'],
    ['a chain of trusted proxies', '10.0.0.1', ['6.6.6.6, 203.0.113.7, 10.0.0.3, 192.0.2.1'], '203.0.113.7'],
    ['several field lines are one list', '10.0.0.1', ['6.6.6.6', '203.0.113.7', '10.0.0.3'], '203.0.113.7'],
    ['all hops trusted: the farthest', '10.0.0.1', ['10.0.0.9, 10.0.0.8'], '10.0.0.9'],
    ['no X-Forwarded-For: the proxy itself', '10.0.0.1', [], '10.0.0.1'],
    ['an empty one', '10.0.0.1', [''], '10.0.0.1'],
    ['text that is no address ends the search', '10.0.0.1', ['203.0.113.7, unknown, 10.0.0.2'], '10.0.0.2'],
    ['spaces around', '10.0.0.1', ['  203.0.113.7 \t'], '203.0.113.7'],
    ['an IPv6 client', '10.0.0.1', ['2001:db8::1'], '2001:db8::1'],
    ['an IPv6 proxy', 'fd00::1', ['203.0.113.7'], '203.0.113.7'],
    ['a mapped IPv4 peer is that IPv4 peer', '::ffff:10.0.0.1', ['203.0.113.7'], '203.0.113.7'],
    ['a mapped IPv4 client is that IPv4 client', '10.0.0.1', ['::ffff:203.0.113.7'], '203.0.113.7'],
    ['in upper case too', '10.0.0.1', ['::FFFF:203.0.113.7'], '203.0.113.7'],
    ['a port behind the address, as Azure writes it', '10.0.0.1', ['203.0.113.7:5678'], '203.0.113.7'],
    ['brackets and a port', '10.0.0.1', ['[2001:db8::1]:5678'], '2001:db8::1'],
    ['brackets alone', '10.0.0.1', ['[2001:db8::1]'], '2001:db8::1'],
    ['quotes, as Forwarded has them', '10.0.0.1', ['"[2001:db8::1]:5678"'], '2001:db8::1'],
    ['quotes around an IPv4 address', '10.0.0.1', ['"203.0.113.7:80"'], '203.0.113.7'],
    ['a mapped IPv4 client with a port', '10.0.0.1', ['[::ffff:203.0.113.7]:5678'], '203.0.113.7'],
    ['a trusted hop with a port', '10.0.0.1', ['203.0.113.7:1, 10.0.0.2:2'], '203.0.113.7'],
    ['IPv6 without brackets has no port', '10.0.0.1', ['2001:db8::1:5678'], '2001:db8::1:5678'],
    ['a port that is none', '10.0.0.1', ['203.0.113.7:port'], '10.0.0.1'],
    ['a port too long', '10.0.0.1', ['203.0.113.7:123456'], '10.0.0.1'],
    ['an IPv4 address in brackets', '10.0.0.1', ['[203.0.113.7]:80'], '10.0.0.1'],
    ['half a bracket', '10.0.0.1', ['[2001:db8::1:80'], '10.0.0.1'],
    ['half a quote', '10.0.0.1', ['"203.0.113.7'], '10.0.0.1'],
    ['an obfuscated node (RFC 7239 §6.3)', '10.0.0.1', ['_hidden:80'], '10.0.0.1'],
    ['a mapped trusted hop is trusted', '10.0.0.1', ['203.0.113.7, ::ffff:10.0.0.2'], '203.0.113.7'],
    ['the peer of a unix socket', '', ['203.0.113.7'], '203.0.113.7'],
  ];
  for (const [how, peer, forwardedFor, client] of chains) {
    it(how, () => assert.equal(addressOf(TRUSTED, peer, ...forwardedFor), client));
  }
});

describe('a TCP peer without an address, which has reset its connection', () => {
  it('is not taken for the trusted peer of a unix socket', () => {
    const resolve = createClientAddress({ trustedProxies: ['10.0.0.0/8'], isUnixSocket: false });
    assert.equal(resolve(exchangeFrom('', ['X-Forwarded-For', '6.6.6.6'])).address, '');
  });
});

describe('the key of a rate limit', () => {
  const keyOf = (peer: string): string =>
    createClientAddress({ trustedProxies: [], isUnixSocket: false })(exchangeFrom(peer)).key;

  it('is the address of an IPv4 client', () => {
    assert.equal(keyOf('203.0.113.7'), '203.0.113.7');
    assert.equal(keyOf('::ffff:203.0.113.7'), '203.0.113.7');
  });

  it('is the /64 of an IPv6 client, in whatever spelling', () => {
    const one = [
      '2001:db8:1:2::1',
      '2001:db8:1:2:3:4:5:6',
      '2001:0DB8:0001:0002::',
      '2001:db8:1:2:ffff:ffff:ffff:ffff',
      '2001:db8:1:2::9%eth0',
    ];
    assert.deepEqual([...new Set(one.map(keyOf))], ['2001:db8:1:2::/64']);
    const other = [
      '2001:db8:1:3::1',
      '2001:db8::1',
      '2001:db8:1::2',
      '::1',
      'fe80::1%eth0',
      '1:2:3:4::',
      '::2:3:4:5:6:7:8',
    ];
    assert.equal(new Set(other.map(keyOf)).size, other.length);
    assert.deepEqual(['::1', '2001:db8::1', '1::', '::1.2.3.4', '64:ff9b::1.2.3.4', '1:2:3:4:5:6:1.2.3.4'].map(keyOf), [
      '0:0:0:0::/64',
      '2001:db8:0:0::/64',
      '1:0:0:0::/64',
      '0:0:0:0::/64',
      '64:ff9b:0:0::/64',
      '1:2:3:4::/64',
    ]);
  });
});
