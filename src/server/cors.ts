/** What browsers may do: CORS fields and preflights. Fetch standard §3.2, RFC 6454. */

import { rawPath } from '../lib/raw-path.ts';
import type { FieldLines, RequestHead } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, DPoP-Nonce, Retry-After, X-Obex-Request-ID';
/** Methods of proxied requests. */
export const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
const MAX_AGE_SECONDS = '7200';

const REQUEST_HEADERS = [
  'Authorization',
  'DPoP',
  'Content-Type',
  'Accept',
  'MCP-Protocol-Version',
  'Mcp-Session-Id',
  'Last-Event-ID',
  'Mcp-Method',
  'Mcp-Name',
];

/** A prefix, because every tool parameter may have a header of its own (MCP 2026-07-28). */
const PARAMETER_HEADER = /^mcp-param-[!#$%&'*+\-.^_`|~0-9a-z]+$/i;

export interface Cors {
  /** The fields for an answer to this request; none without an allowed Origin, but on public documents always. */
  fields(head: RequestHead): FieldLines;
  /** The fields of a preflight's answer, `fields` not included. */
  preflightFields(head: RequestHead): FieldLines;
}

/** OPTIONS with Origin and Access-Control-Request-Method. */
export function isPreflight(head: RequestHead): boolean {
  if (head.method !== 'OPTIONS') return false;
  const { fields } = head;
  return fieldValues(fields, 'origin').length > 0 && fieldValues(fields, 'access-control-request-method').length > 0;
}

/** The Origin of a request: undefined without one; several as a list, which no policy allows. */
export function originOf(head: RequestHead): string | undefined {
  const origins = fieldValues(head.fields, 'origin');
  return origins.length > 1 ? origins.join(', ') : origins[0];
}

export interface CorsOptions {
  isAllowed(origin: string): boolean;
  /** Raw paths of documents that any web page may read. */
  readonly publicPaths: ReadonlySet<string>;
}

export function createCors({ isAllowed, publicPaths }: CorsOptions): Cors {
  return {
    fields: (head) => {
      if (publicPaths.has(rawPath(head.target))) return PUBLIC;
      const origin = originOf(head);
      if (origin === undefined || !isAllowed(origin)) return NONE;
      return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', EXPOSED, 'Vary', 'Origin'];
    },
    preflightFields: (head) => formatPreflight(fieldValues(head.fields, 'access-control-request-headers')),
  };
}

const PUBLIC: FieldLines = ['Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', EXPOSED];

function formatPreflight(requested: readonly string[]): FieldLines {
  const names = requested
    .join(',')
    .split(',')
    .map((name) => name.trim());
  const parameters = names.filter((name) => PARAMETER_HEADER.test(name));
  return [
    'Access-Control-Allow-Methods',
    METHODS,
    'Access-Control-Allow-Headers',
    [...REQUEST_HEADERS, ...parameters].join(', '),
    'Access-Control-Max-Age',
    MAX_AGE_SECONDS,
  ];
}

const NONE: FieldLines = [];
