/** What browsers may do: CORS fields and preflights. Fetch standard §3.2, RFC 6454. */

import { rawPath } from '../lib/raw-path.ts';
import type { FieldLines, RequestHead } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

const EXPOSED_HEADERS = ['WWW-Authenticate', 'Mcp-Session-Id', 'DPoP-Nonce', 'Retry-After', 'X-Obex-Request-ID'];
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
  preflight(head: RequestHead): Preflight;
}

export interface Preflight {
  /** Those of its answer, `Cors.fields` not included. */
  readonly fields: FieldLines;
  /** What the page wants to send and may not, as it was written. */
  readonly refusedNames: readonly string[];
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
  /** Raw paths of pages that none may read. */
  readonly closedPaths: ReadonlySet<string>;
  /** `cors.allowed_headers` and `cors.exposed_headers`. */
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
}

export function createCors(options: CorsOptions): Cors {
  const { isAllowed, publicPaths, closedPaths, allowedHeaders, exposedHeaders } = options;
  const exposed = unite(EXPOSED_HEADERS, exposedHeaders).join(', ');
  const publicFields = ['Access-Control-Allow-Origin', '*', 'Access-Control-Expose-Headers', exposed];
  const allowed = unite(REQUEST_HEADERS, allowedHeaders);
  return {
    fields: (head) => {
      const path = rawPath(head.target);
      if (publicPaths.has(path)) return publicFields;
      const origin = originOf(head);
      if (origin === undefined || closedPaths.has(path) || !isAllowed(origin)) return NONE;
      return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', exposed, 'Vary', 'Origin'];
    },
    preflight: (head) => formatPreflight(fieldValues(head.fields, 'access-control-request-headers'), allowed),
  };
}

/** RFC 9110 §5.1: names that differ in case alone are one. */
function unite(own: readonly string[], more: readonly string[]): readonly string[] {
  const known = new Set(own.map((name) => name.toLowerCase()));
  return [...own, ...more.filter((name) => !known.has(name.toLowerCase()))];
}

function formatPreflight(requested: readonly string[], allowed: readonly string[]): Preflight {
  const names = requested
    .join(',')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const parameters = names.filter((name) => PARAMETER_HEADER.test(name));
  const allowedNames = [...allowed, ...parameters];
  const known = new Set(allowedNames.map((name) => name.toLowerCase()));
  return {
    fields: [
      'Access-Control-Allow-Methods',
      METHODS,
      'Access-Control-Allow-Headers',
      allowedNames.join(', '),
      'Access-Control-Max-Age',
      MAX_AGE_SECONDS,
    ],
    refusedNames: names.filter((name) => !known.has(name.toLowerCase())),
  };
}

const NONE: FieldLines = [];
