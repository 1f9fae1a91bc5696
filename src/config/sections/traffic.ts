/** Sections of the config about passing requests on: backend, limits, cors. */

import * as z from 'zod/mini';
import { headerFields } from '../header-fields.ts';
import { duration, leaf, list, number, optional, section, size, text } from '../leaf.ts';
import { refuse } from '../refused.ts';
import { parseBackendUrl } from '../urls.ts';

/** Longest delay that a Node timer takes is 2^31 - 1 ms, a little more than this. */
export const LONGEST_MS = 24 * 24 * 3_600_000;
const GIBIBYTE = 2 ** 30;
const timeout = { min: 1, max: LONGEST_MS };

export const backendSection = section('The MCP server that Obex stands in front of.', {
  url: leaf(
    {
      kind: 'URL',
      json: { type: 'string' },
      example: 'http://localhost:9090',
      meaning: 'Where the MCP server listens: http or https, host and port, no path (the path of the request is used).',
    },
    parseBackendUrl,
  ),
  timeout: duration({
    ...timeout,
    default: '30s',
    meaning: 'Longest wait for the response head (504 after it). A response that has begun is not cut.',
  }),
  connect_timeout: duration({ ...timeout, default: '5s', meaning: 'Longest wait for a connection, TLS included.' }),
  max_idle_conns: number({
    kind: 'integer',
    min: 0,
    max: 100_000,
    default: 10,
    meaning: 'Idle connections kept open, per worker; 0 = none is reused.',
  }),
  max_requests: number({
    kind: 'integer',
    min: 1,
    max: 1_000_000,
    default: 10_000,
    meaning: 'Requests in flight to the backend, whole process; beyond it 503 `overloaded`.',
  }),
  headers: headerFields,
  tls: section('TLS to an https backend.', {
    ca_file: text({
      allowEmpty: true,
      default: '',
      meaning: 'PEM bundle of the authorities that may sign the certificate of the backend. Empty = the public ones.',
    }),
  }),
});

const rateLimit = z
  .optional(
    z.strictObject({
      requests_per_second: number({
        kind: 'number',
        min: 0.001,
        max: 1_000_000,
        example: 100,
        meaning: 'Sustained rate of each client.',
      }),
      burst: number({
        kind: 'integer',
        min: 1,
        max: 10_000_000,
        example: 200,
        meaning: 'Requests that a client may send at once after a pause.',
      }),
    }),
  )
  .register(z.globalRegistry, { description: 'Requests allowed to each client; absent = no limit.' });

function perPrincipal(meaning: string) {
  return optional(number({ kind: 'integer', min: 1, max: 1_000_000, optional: true, example: 100, meaning }));
}

export const limitsSection = section(
  'How much of everything a client may use. Times and sizes are checked on each connection.',
  {
    max_request_body: size({
      min: 1,
      max: 1024 * GIBIBYTE,
      default: '4MB',
      meaning: 'Request body, chunked too (413).',
    }),
    max_header_bytes: size({
      min: 1024,
      max: 2 ** 20,
      default: '16KiB',
      meaning: 'Whole request head (431). The request line alone may have 8 KiB (414).',
    }),
    read_timeout: duration({
      ...timeout,
      default: '10s',
      meaning: 'Until the request head is complete; also the longest pause inside a request body (408).',
    }),
    body_timeout: duration({ ...timeout, default: '60s', meaning: 'Until the whole request body is here (408).' }),
    write_timeout: duration({
      ...timeout,
      default: '30s',
      meaning: 'How long a client may refuse to read an answer. Never ends a stream that is merely quiet.',
    }),
    idle_timeout: duration({ ...timeout, default: '120s', meaning: 'How long a connection is kept between requests.' }),
    drain_delay: duration({
      min: 0,
      max: LONGEST_MS,
      default: '0s',
      meaning: 'After SIGTERM: how long `/ready` answers 503 while requests are still accepted.',
    }),
    drain_timeout: duration({
      min: 0,
      max: LONGEST_MS,
      default: '5s',
      meaning: 'After `drain_delay`: how long running requests and streams may go on before they are cut.',
    }),
    max_connections: number({
      kind: 'integer',
      min: 1,
      max: 1_000_000,
      default: 10_000,
      meaning: 'Client connections; beyond it only `/health` and `/ready` are answered, all else 503 `overloaded`.',
    }),
    max_requests_per_principal: perPrincipal(
      'Requests in flight to the backend of one principal (issuer, client, subject), whole process, from phase 2 on; beyond it ' +
        '429 `too_many_in_flight`. Absent = a quarter of `backend.max_requests`, but at least 8 and at most all of them.',
    ),
    max_streams_per_principal: perPrincipal(
      'Its answers of `text/event-stream`, each of which is a request in flight too; the same default.',
    ),
    rate_limit: rateLimit,
  },
);

/** RFC 6454 §6.2: an origin as browsers write it. */
function parseOrigin(value: unknown) {
  if (value === '*') return value;
  const wanted = 'expected an origin such as "https://app.example.com", or "*"';
  if (value === 'null') return refuse(wanted, value, 'any sandboxed page sends "null", so it is never allowed');
  const url = typeof value === 'string' && /^https?:/.test(value) ? URL.parse(value) : null;
  if (url === null || typeof value !== 'string') return refuse(wanted, value);
  return url.origin === value ? value : refuse(wanted, value, `write "${url.origin}", as browsers do`);
}

export const corsSection = section('Browsers of other origins.', {
  allowed_origins: list(leaf({ kind: 'string', json: { type: 'string' }, meaning: 'Origin, or "*".' }, parseOrigin), {
    default: [],
    example: ['https://app.example.com'],
    meaning:
      'Origins whose pages may use Obex, beside that of `public_url`: `"https://app.example.com"`. `"*"` = all, from phase 2 on. ' +
      'A request with any other Origin is 403.',
  }),
});
