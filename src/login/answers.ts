/** The answers of the endpoints, in the few shapes that they have. RFC 6749 §5.2, RFC 9110 §15.4.4. */
import { Buffer } from 'node:buffer';
import type { LoginEvent } from '../observe/login-metrics.ts';
import type { LoginAnswer } from '../state/login-channel.ts';
import type { FieldLines } from '../wire/exchange.ts';
import type { InjectedAnswer } from './inject.ts';
import type { Page } from './pages/page.ts';

/** An outage of the IdP or the store is over soon, or is none for a client to cure. */
export const RETRY_AFTER_SECONDS = 30;

const NO_STORE: FieldLines = ['Cache-Control', 'no-store'];

export function json(status: number, value: unknown, fields: FieldLines = NO_STORE): LoginAnswer {
  return { status, fields: ['Content-Type', 'application/json', ...fields], body: Buffer.from(JSON.stringify(value)) };
}

export function jsonText(text: string, fields: FieldLines): LoginAnswer {
  return { status: 200, fields: ['Content-Type', 'application/json', ...fields], body: Buffer.from(text) };
}

export function page({ status, fields, body }: Page, more: FieldLines = []): LoginAnswer {
  return { status, fields: [...fields, ...more], body: Buffer.from(body) };
}

/** RFC 6749 §4.1.2.1 has the word; with 503, because a client must keep what it has (RFC 9110 §15.6.4). */
export function temporarilyUnavailable(): LoginAnswer {
  const fields = ['Retry-After', String(RETRY_AFTER_SECONDS), ...NO_STORE];
  const body = { error: 'temporarily_unavailable', error_description: 'nobody can be asked just now; try again' };
  return json(503, body, fields);
}

/** RFC 6585 §4, in the words of RFC 6749 §4.1.2.1: the client keeps what it has. */
export function tooManyRequests(waitMs: number): LoginAnswer {
  const fields = ['Retry-After', String(Math.ceil(waitMs / 1000)), ...NO_STORE];
  return json(
    429,
    { error: 'temporarily_unavailable', error_description: 'too many requests; try again later' },
    fields,
  );
}

/** RFC 9700 §4.12: 303, so that nothing of a form goes on to the next server. */
export function redirect(location: string, fields: FieldLines = []): LoginAnswer {
  return { status: 303, fields: ['Location', location, ...NO_STORE, ...fields], body: Buffer.alloc(0) };
}

export function methodNotAllowed(allowed: string): LoginAnswer {
  return json(405, { error: 'invalid_request', error_description: `only ${allowed}` }, ['Allow', allowed, ...NO_STORE]);
}

/** What `/metrics` counts. */
export function as(event: LoginEvent, answer: LoginAnswer): LoginAnswer {
  return { ...answer, event };
}

/** Fields of the library that clients need; its cookies are none of them. */
const PASSED = [
  'content-type',
  'location',
  'cache-control',
  'pragma',
  'www-authenticate',
  'dpop-nonce',
  'content-security-policy',
  'referrer-policy',
  'x-content-type-options',
  'x-frame-options',
  'retry-after',
];

export function passOn({ status, headers, body }: InjectedAnswer, more: FieldLines = []): LoginAnswer {
  const fields = PASSED.flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [name, value] : [];
  });
  return { status, fields: [...fields, ...more], body: Buffer.from(body) };
}
