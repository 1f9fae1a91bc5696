/** Sections of the config about passing requests on: backend, limits, cors. */

import * as z from 'zod/mini';
import { claimHeaders } from '../claim-headers.ts';
import { fieldName, strippedName } from '../field-name.ts';
import { headerFields } from '../header-fields.ts';
import { hostField } from '../host-field.ts';
import { duration, leaf, list, number, optional, section, size, text } from '../leaf.ts';
import { parseOrigin } from '../origin.ts';
import { parseBackendUrl } from '../urls.ts';
import { assertionSection } from './assertion.ts';
import { programKeys } from './program.ts';

/** Longest delay that a Node timer takes is 2^31 - 1 ms, a little more than this. */
export const LONGEST_MS = 24 * 24 * 3_600_000;
const GIBIBYTE = 2 ** 30;
const timeout = { min: 1, max: LONGEST_MS };

export const backendSection = section('The MCP server that Obex stands in front of.', {
  url: optional(
    leaf(
      {
        kind: 'URL',
        json: { type: 'string' },
        optional: true,
        example: 'http://localhost:9090',
        meaning:
          'Where the MCP server listens: http or https, host and port. Without a path every path passes as it came. With one, ' +
          'the path of `resource.url` becomes that path, what is below it follows, and the rest is 404 ' +
          '([your-backend.md](your-backend.md#another-path-than-the-public-one)); no query, no fragment. Required, but with `command`.',
      },
      parseBackendUrl,
    ),
  ),
  host: hostField,
  ...programKeys,
  timeout: duration({
    ...timeout,
    default: '5m',
    meaning:
      'Longest wait for the response head (504 after it); none for a GET that accepts `text/event-stream`. A response that has begun is not cut.',
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
  claim_headers: claimHeaders,
  assertion: assertionSection,
  strip_headers: list(strippedName, {
    default: [],
    example: ['X-Tenant'],
    meaning:
      'Headers of clients that the backend must not see, beside those that never pass (docs/your-backend.md). Upper and lower ' +
      'case and punctuation do not matter: `X-Tenant` covers `x_tenant`. No patterns.',
  }),
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
      default: 4000,
      meaning:
        'Client connections, whole process. 32 more are answered 503 `overloaded`, but for `/health` and `/ready`, and last 1.5 ' +
        'seconds; beyond them they are closed at once. What fits which memory: [scale.md](scale.md).',
    }),
    max_requests_per_principal: perPrincipal(
      'Requests in flight to the backend of one principal (issuer, client, subject), whole process, from phase 2 on; beyond it ' +
        '429 `too_many_in_flight`. Absent = a quarter of `backend.max_requests`, but at least 8 and at most all of them.',
    ),
    max_streams_per_principal: perPrincipal(
      'Its answers of `text/event-stream`, each of which is a request in flight too; the same default. Beyond it requests for a ' +
        'stream are 429 (a GET that accepts one, `subscriptions/listen`); a call that is answered by one counts, and is let through.',
    ),
    rate_limit: rateLimit,
  },
);

export const corsSection = section('Browsers of other origins.', {
  allowed_origins: list(leaf({ kind: 'string', json: { type: 'string' }, meaning: 'Origin, or "*".' }, parseOrigin), {
    default: [],
    example: ['https://app.example.com'],
    meaning:
      'Origins whose pages may use Obex, beside that of `public_url`: `"https://app.example.com"`, and of any other scheme: ' +
      '`"chrome-extension://…"`, `"tauri://localhost"`. No patterns; `"*"` = all, from phase 2 on. A request with any other ' +
      'Origin is 403.',
  }),
  allowed_headers: list(fieldName, {
    default: [],
    example: ['X-Tenant'],
    meaning:
      'Headers that those pages may send beside those of MCP, for a backend that wants its own. What a page asks for in vain ' +
      'is logged (`preflight_fields_refused`).',
  }),
  exposed_headers: list(fieldName, {
    default: [],
    example: ['X-Cost'],
    meaning: 'Headers of answers that those pages may read beside those of MCP and Obex.',
  }),
});
