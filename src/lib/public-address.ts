/** Which IP addresses are of the public internet: where a stranger may send Obex. RFC 6890 and its IANA registries, RFC 6052, RFC 8215. */
import { BlockList, isIP } from 'node:net';

const PRIVATE_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // Metadata services of clouds live here, and one at 168.63.129.16.
  '169.254.0.0/16',
  '168.63.129.16/32',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** RFC 6052 §2.1: the NAT64 prefix that may stand for public addresses alone, and with DNS64 is all that a name has. */
const NAT64 = '64:ff9b::';
const NAT64_BITS = 96;

/** RFC 4291 §2.4: all that is global unicast; mapped addresses, fc00::/7, fe80::/10 and multicast lie outside. */
const PUBLIC_IPV6 = ['2000::/3', `${NAT64}/${NAT64_BITS}`];

/** Within those: IETF protocols with Teredo, documentation, 6to4 (RFC 7526), which all lead elsewhere. */
const PRIVATE_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const refused = new BlockList();
const accepted = new BlockList();

for (const [address, bits] of PRIVATE_IPV4.map(parseSubnet)) {
  refused.addSubnet(address, bits, 'ipv4');
  refused.addSubnet(`${NAT64}${address}`, NAT64_BITS + bits, 'ipv6');
}
for (const [address, bits] of PRIVATE_IPV6.map(parseSubnet)) refused.addSubnet(address, bits, 'ipv6');
for (const [address, bits] of PUBLIC_IPV6.map(parseSubnet)) accepted.addSubnet(address, bits, 'ipv6');

function parseSubnet(subnet: string): readonly [address: string, bits: number] {
  const [address = '', bits = ''] = subnet.split('/');
  return [address, Number(bits)];
}

/** False for private, loopback, link-local, shared, multicast, reserved and documentation ranges, and for what is no address. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !refused.check(address, 'ipv4');
    case 6:
      return accepted.check(address, 'ipv6') && !refused.check(address, 'ipv6');
    default:
      return false;
  }
}
