/** Field names that need no new string: those that MCP traffic carries, found by their bytes. RFC 9110 §5.1, §16.3.1. */

/** As most clients and servers spell them; lower case, as HTTP/2 and many libraries have it, is known too. */
const CANONICAL = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Accept-Ranges',
  'Access-Control-Allow-Headers',
  'Access-Control-Allow-Methods',
  'Access-Control-Allow-Origin',
  'Access-Control-Expose-Headers',
  'Age',
  'Allow',
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Type',
  'Cookie',
  'DPoP',
  'DPoP-Nonce',
  'Date',
  'ETag',
  'Expect',
  'Forwarded',
  'Host',
  'Keep-Alive',
  'Last-Event-ID',
  'Last-Modified',
  'Link',
  'Location',
  'MCP-Protocol-Version',
  'Mcp-Method',
  'Mcp-Name',
  'Mcp-Session-Id',
  'Origin',
  'Pragma',
  'Referer',
  'Retry-After',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Site',
  'Server',
  'Set-Cookie',
  'TE',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'User-Agent',
  'Vary',
  'Via',
  'WWW-Authenticate',
  'X-Accel-Buffering',
  'X-Content-Type-Options',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Powered-By',
  'X-Real-IP',
  'X-Request-ID',
  'baggage',
  'traceparent',
  'tracestate',
];

const LOWER: ReadonlyMap<string, string> = new Map(
  CANONICAL.flatMap((name) => [name, name.toLowerCase()].map((spelling) => [spelling, name.toLowerCase()])),
);

/** Several times the number of names, so that a look-up seldom meets another name on its way. */
const SLOTS = 1024;

/** Open addressing: a name stands in the first free slot from the one of its hash on. */
const table: readonly (string | undefined)[] = makeTable();

/** The hash of a name, one byte after the other; begins with 0. */
export function addToHash(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) | 0;
}

/** The known name that the bytes from `start` on spell, or undefined. `hash` is the one of exactly `length` bytes. */
export function findKnownName(
  bytes: Uint8Array,
  start: number,
  { hash, length }: { readonly hash: number; readonly length: number },
): string | undefined {
  for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
    const name = table[slot];
    if (name === undefined || (name.length === length && startsWith(bytes, start, name))) return name;
  }
}

/** A field name in lower case; a known one is only looked up. */
export function lowerName(name: string): string {
  return LOWER.get(name) ?? name.toLowerCase();
}

/** RFC 9110 §5.1: whether a field has this name, given in lower case. Most names differ in length or first letter. */
export function isNamed(name: string, lower: string): boolean {
  return (
    name.length === lower.length && (name.charCodeAt(0) | 0x20) === lower.charCodeAt(0) && lowerName(name) === lower
  );
}

function startsWith(bytes: Uint8Array, start: number, name: string): boolean {
  for (let at = 0; at < name.length; at += 1) if (name.charCodeAt(at) !== bytes[start + at]) return false;
  return true;
}

function makeTable(): readonly (string | undefined)[] {
  const slots = Array.from<string | undefined>({ length: SLOTS });
  for (const name of LOWER.keys()) {
    let slot = Buffer.from(name).reduce(addToHash, 0) & (SLOTS - 1);
    while (slots[slot] !== undefined) slot = (slot + 1) & (SLOTS - 1);
    slots[slot] = name;
  }
  return slots;
}
