/** Whose documents `login` fetches for client ids that are URLs. draft-ietf-oauth-client-id-metadata-document §3. */
import { type Refused, refuse, refuseSilently } from './refused.ts';

type DocumentHosts = 'auto' | 'off' | readonly string[];

const WANTED = 'expected auto, off, or a list of hosts such as ["claude.ai", "vscode.dev"]';

export function parseDocumentHosts(value: unknown): DocumentHosts | Refused {
  if (value === 'auto' || value === 'off') return value;
  if (value === true || value === 'on') return refuse(WANTED, value, 'write auto');
  if (value === false) return refuse(WANTED, value, 'write off');
  if (!Array.isArray(value)) return refuse(WANTED, value);
  if (value.length === 0) return refuseSilently('is empty; name at least one host, or write off');
  const hosts: string[] = [];
  for (const host of value) {
    if (typeof host !== 'string' || !isHost(host)) {
      return refuse(`${WANTED}; this is none of them`, host, 'write it in lower case, with a port if it is not 443');
    }
    if (hosts.includes(host)) return refuse('names a host twice', host, 'delete one');
    hosts.push(host);
  }
  return hosts;
}

/** As the URL of a document has it: no wildcard, no address. */
function isHost(text: string): boolean {
  const isName = /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*(:[1-9]\d{0,4})?$/.test(text);
  return isName && URL.parse(`https://${text}`)?.host === text;
}
