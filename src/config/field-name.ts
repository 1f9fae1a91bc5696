/** Names of HTTP fields in the config, and those that are not the operator's to change. RFC 9110 §5.1, §7.6.1, RFC 9112 §6. */
import { foldName } from '../lib/fold-name.ts';
import { leaf } from './leaf.ts';
import { type Refused, refuse } from './refused.ts';

export const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Names in the form of `foldName` that Obex alone writes, with what writes them instead. */
export const RESERVED: ReadonlyMap<string, string> = new Map([
  ['host', 'Obex sets Host as backend.host says'],
  ['via', 'Obex adds itself to Via, by which loops are found (RFC 9110 §7.6.3)'],
  ...['content-length', 'transfer-encoding', 'expect'].map(framing),
  ...[
    'connection',
    'http2-settings',
    'keep-alive',
    'proxy-connection',
    'proxy-authenticate',
    'proxy-authorization',
    'te',
    'trailer',
    'upgrade',
  ].map(hopByHop),
]);

function framing(name: string): [string, string] {
  return [name, 'Obex frames every request by itself'];
}

function hopByHop(name: string): [string, string] {
  return [name, 'hop-by-hop fields are not passed on (RFC 9110 §7.6.1)'];
}

/** Without these no MCP server understands the request. */
export const NEEDED: ReadonlySet<string> = new Set([
  'accept',
  'content-encoding',
  'content-type',
  'last-event-id',
  'mcp-method',
  'mcp-name',
  'mcp-protocol-version',
  'mcp-session-id',
]);

/** A field name. `*` is a legal character of one, but whoever writes it means a pattern. */
function parseFieldName(value: unknown): string | Refused {
  const wanted = 'expected a header name such as "X-Tenant"';
  if (typeof value !== 'string' || !FIELD_NAME.test(value)) return refuse(wanted, value);
  return value.includes('*') ? refuse(wanted, value, 'patterns are not taken: write every name in full') : value;
}

/** A field of clients that may be kept from the backend. */
function parseStrippedName(value: unknown): string | Refused {
  const name = parseFieldName(value);
  if (typeof name !== 'string') return name;
  const fault = stripFault(foldName(name));
  return fault === undefined ? name : refuse('cannot be taken away', value, `${fault}; delete it`);
}

function stripFault(folded: string): string | undefined {
  if (NEEDED.has(folded)) return 'the backend needs it to understand the request';
  if (/^x-(obex|forwarded)-/.test(folded)) return "what clients send of it never passes, and Obex's own always does";
  return RESERVED.get(folded);
}

export const fieldName = leaf({ kind: 'string', json: { type: 'string' }, meaning: 'Header name.' }, parseFieldName);

export const strippedName = leaf(
  { kind: 'string', json: { type: 'string' }, meaning: 'Header name.' },
  parseStrippedName,
);
