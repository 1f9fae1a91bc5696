/** `/oauth/*` and the metadata of the authorization server: passed to the thread that is it, and its answers back. RFC 6749 §3, RFC 8414 §3. */
import { type Denial, deny, isDenied } from '../../oauth/denial.ts';
import type { LoginMetrics } from '../../observe/login-metrics.ts';
import type { AskLogin, LoginAnswer, LoginFailure, LoginOutcome } from '../../state/login-channel.ts';
import { isFailure } from '../../state/login-channel.ts';
import { collectBody } from '../../wire/collect-body.ts';
import type { FieldLines, RequestHead } from '../../wire/exchange.ts';
import { fieldValues } from '../../wire/field-values.ts';
import type { Answerable } from '../answerable.ts';
import type { Endpoint, Endpoints } from '../endpoint.ts';
import { respondDenial, respondInternalError, respondWith } from '../respond.ts';

const MAX_BODY_BYTES = 64 * 1024;

const DOCUMENT = { methods: ['GET', 'HEAD'], isPublic: true };
const CALL = { methods: ['POST'], isPublic: true };
const PAGE = { methods: ['GET', 'HEAD'], isPublic: false, leadsFrom: 'any' } as const;

type Shape = Pick<Endpoint, 'methods' | 'isPublic' | 'leadsFrom'>;

const SHAPES: readonly (readonly [path: string, shape: Shape])[] = [
  ['/.well-known/oauth-authorization-server', DOCUMENT],
  ['/.well-known/openid-configuration', DOCUMENT],
  ['/oauth/jwks', DOCUMENT],
  ['/oauth/token', CALL],
  ['/oauth/register', CALL],
  ['/oauth/revoke', CALL],
  ['/oauth/authorize', PAGE],
  ['/oauth/consent', { ...PAGE, methods: ['GET', 'HEAD', 'POST'], leadsFrom: 'own' }],
  // What it is called with can be used once.
  ['/oauth/callback', { ...PAGE, methods: ['GET'] }],
];

export function createLoginEndpoints(ask: AskLogin, metrics: LoginMetrics): Endpoints {
  const respond = (life: Answerable): void =>
    passOn(life, async (request) => {
      const outcome = await ask(request);
      count(outcome, metrics);
      return outcome;
    });
  return SHAPES.map(([path, shape]) => [path, { ...shape, respond, isVital: false, isQuiet: false, isCharged: true }]);
}

function count(outcome: LoginOutcome, metrics: LoginMetrics): void {
  if (isFailure(outcome)) return metrics.ended('unavailable');
  if (outcome.event !== undefined) metrics.ended(outcome.event);
  for (const seconds of outcome.storeSeconds ?? []) metrics.stored(seconds);
}

function passOn(life: Answerable, ask: AskLogin): void {
  const { head, body } = life.exchange;
  const fields = pickRequestFields(head.fields);
  if (isDenied(fields)) return respondDenial(life, fields);
  const send = (content: Uint8Array): void => {
    ask({
      ...describe(head),
      fields,
      body: content,
      clientAddress: life.clientAddress.address,
      requestId: life.requestId,
    })
      .then((outcome) => (isFailure(outcome) ? respondDenial(life, toDenial(outcome)) : respond(life, outcome)))
      .catch((error: unknown) => respondInternalError(life, error));
  };
  if (head.method !== 'POST') return send(NOTHING);
  collectBody(body, MAX_BODY_BYTES, (outcome) => {
    if (typeof outcome !== 'string') return send(outcome);
    // Nobody is left to be told.
    if (outcome === 'client_closed' || outcome === 'backend_closed') return;
    respondDenial(life, deny(outcome));
  });
}

const NOTHING = new Uint8Array(0);

/** RFC 9110 §9.3.2: HEAD is a GET whose content the engine leaves out. */
function describe({ method, target }: RequestHead): { readonly method: string; readonly target: string } {
  return { method: method === 'HEAD' ? 'GET' : method, target };
}

const REQUEST_FIELDS = ['authorization', 'dpop', 'origin', 'content-type', 'sec-fetch-site'] as const;

/** Nothing but what the authorization server reads, each name once: two lines would leave the choice to the reader. */
function pickRequestFields(fields: FieldLines): FieldLines | Denial {
  const picked: string[] = [];
  for (const name of REQUEST_FIELDS) {
    const values = fieldValues(fields, name);
    if (values.length > 1) return denyRepeated(name);
    if (values.length > 0) picked.push(name, ...values);
  }
  // RFC 9113 §8.2.3: over HTTP/2 they may come in several lines.
  const cookies = fieldValues(fields, 'cookie');
  if (cookies.length > 0) picked.push('cookie', cookies.join('; '));
  return picked;
}

function denyRepeated(name: string): Denial {
  const detail = `more than one ${name} field`;
  return deny(name === 'authorization' ? 'malformed_authorization' : 'malformed_request', { detail });
}

const RESPONSE_FIELDS: ReadonlySet<string> = new Set([
  'allow',
  'cache-control',
  'content-security-policy',
  'content-type',
  'cross-origin-opener-policy',
  'dpop-nonce',
  'location',
  'pragma',
  'referrer-policy',
  'retry-after',
  'set-cookie',
  'vary',
  'www-authenticate',
  'x-content-type-options',
  'x-frame-options',
]);

/** RFC 9110 §5.5: visible latin1, spaces and tabs. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function respond(life: Answerable, { status, fields, body }: LoginAnswer): void {
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new TypeError(`the login answered ${status}`);
  respondWith(life, status, { fields: pickResponseFields(fields), body });
}

/** Throws when a value would break the head that it stands in. */
function pickResponseFields(fields: FieldLines): FieldLines {
  const picked: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    const value = fields[at + 1] ?? '';
    if (!RESPONSE_FIELDS.has(name.toLowerCase())) continue;
    if (!FIELD_VALUE.test(value)) throw new TypeError(`the login answered with a ${name} that is no field value`);
    picked.push(name, value);
  }
  return picked;
}

/** How long a thread that has ended needs to be there again, in seconds. */
const RESTART_SECONDS = '5';

function toDenial(failure: LoginFailure): Denial {
  switch (failure.failed) {
    case 'busy':
      return deny('login_unavailable', { detail: 'too many requests in flight' }, ['Retry-After', '1']);
    case 'late':
      return deny('login_unavailable', { detail: 'no answer in time' }, ['Retry-After', RESTART_SECONDS]);
    case 'down':
      return deny('login_unavailable', { detail: 'its thread has ended' }, ['Retry-After', RESTART_SECONDS]);
    case 'bug':
      return deny('internal_error');
    case 'limited':
      return deny('rate_limited', {}, ['Retry-After', String(Math.ceil(failure.waitMs / 1000))]);
  }
}
