/** Which client fields never reach the backend, look-alike spellings included. RFC 9110 §7.6.1, CVE-2025-64484. */
import { ownText } from '../lib/own-text.ts';
import { isOfGateways } from './gateway-fields.ts';

/** Hop-by-hop, framing, and credentials. */
const REMOVED: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'dpop',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'origin',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** True for a field that never goes on, whatever the configuration says. */
export function isNeverForwarded(foldedName: string): boolean {
  return REMOVED.has(foldedName) || foldedName.startsWith('x-obex-') || isOfGateways(foldedName);
}

/** Names remembered, and the longest of them; bounded, so that a peer that invents names cannot make it grow. */
const MAX_REMEMBERED = 1000;
const MAX_REMEMBERED_LENGTH = 64;

/** The same verdict on a name, without thinking twice about a name seen before. */
export function rememberByName<T extends boolean | string>(judge: (name: string) => T): (name: string) => T {
  const verdicts = new Map<string, T>();
  return (name) => {
    const known = verdicts.get(name);
    if (known !== undefined) return known;
    const verdict = judge(name);
    const isKept = verdicts.size < MAX_REMEMBERED && name.length <= MAX_REMEMBERED_LENGTH;
    if (isKept) verdicts.set(ownText(name), verdict);
    return verdict;
  };
}
