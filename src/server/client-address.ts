/** Who is on the other end, in a network with proxies in front. RFC 7239 §8, RFC 4291 §2.5.4. */
import net from 'node:net';
import { ownText } from '../lib/own-text.ts';
import { unmapIpv4 } from '../lib/unmap-ipv4.ts';
import type { Exchange } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

export interface ClientAddress {
  /** For logs and X-Forwarded-For; "" on a unix socket. */
  readonly address: string;
  /** What a rate limit counts by: the address, or the /64 of an IPv6 one, which is what one customer gets. */
  readonly key: string;
}

export interface ClientAddressOptions {
  /** CIDRs. */
  readonly trustedProxies: readonly string[];
  /** Whether the listener is a unix socket, whose peers have no address. They are trusted as soon as any proxy is. */
  readonly isUnixSocket: boolean;
}

/** Whether the peer of the connection is a proxy that is believed. */
export function createPeerTrust(options: ClientAddressOptions): (exchange: Exchange) => boolean {
  const isTrusted = createTrust(options);
  return ({ peerAddress }) => isTrusted(unmapIpv4(peerAddress));
}

/** The socket's peer, unless it is a trusted proxy: then the hop nearest to Obex in X-Forwarded-For that is not one. */
export function createClientAddress(options: ClientAddressOptions): (exchange: Exchange) => ClientAddress {
  const isTrusted = createTrust(options);
  return (exchange) => {
    const peer = unmapIpv4(exchange.peerAddress);
    if (!isTrusted(peer)) return toClientAddress(peer);
    const forwardedFor = fieldValues(exchange.head.fields, 'x-forwarded-for');
    // Kept for as long as the request lives, and in the tables of rate limits.
    return toClientAddress(ownText(nearestUntrusted(peer, forwardedFor, isTrusted)));
  };
}

function createTrust({ trustedProxies, isUnixSocket }: ClientAddressOptions): (address: string) => boolean {
  if (trustedProxies.length === 0) return () => false;
  const list = new net.BlockList();
  for (const cidr of trustedProxies) {
    const [network = '', prefix] = cidr.split('/');
    const family = net.isIPv6(network) ? 'ipv6' : 'ipv4';
    list.addSubnet(network, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return (address) => {
    if (address === '') return isUnixSocket;
    return list.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}

function nearestUntrusted(peer: string, forwardedFor: readonly string[], isTrusted: (a: string) => boolean): string {
  const hops = forwardedFor.join(',').split(',');
  let nearest = peer;
  for (let at = hops.length - 1; at >= 0; at -= 1) {
    const hop = unmapIpv4(nodeName((hops[at] ?? '').trim()));
    // What a proxy wrote that is no address cannot be followed any further.
    if (net.isIP(hop) === 0) return nearest;
    nearest = hop;
    if (!isTrusted(hop)) return nearest;
  }
  return nearest;
}

/** RFC 7239 §6, as some proxies (Azure, IIS) write X-Forwarded-For too: an address with its port, IPv6 then in brackets. */
const NODE = /^(?:\[([0-9a-f]{0,4}:[0-9a-f:.]{1,41})\]|([0-9.]+))(?::[0-9]{1,5})?$/i;

function nodeName(hop: string): string {
  const text = /^".*"$/.test(hop) ? hop.slice(1, -1) : hop;
  const node = NODE.exec(text);
  return node?.[1] ?? node?.[2] ?? text;
}

function toClientAddress(address: string): ClientAddress {
  return { address, key: rateLimitKey(address) };
}

/** See `ClientAddress.key`. */
export function rateLimitKey(address: string): string {
  return address.includes(':') ? networkOf(address) : address;
}

/** The first 64 bits, written in full so that every spelling of one network is one key. */
function networkOf(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? 0 : 8 - left.length - right.length - (address.includes('.') ? 1 : 0);
  const groups = [...left, ...Array.from({ length: gap }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
