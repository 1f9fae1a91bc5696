/** Cookies that tie a login to one browser: a value in the browser, its digest in the store. RFC 6265bis §4.1.3.2, RFC 9700 §4.7. */
import { hash, randomBytes } from 'node:crypto';
import type { FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { FLOW_SECONDS } from './provider.ts';

/** `flow` = from the request of a client to the consent; `state` = from the consent to the answer of the IdP. */
export type CookieUse = 'flow' | 'state';

export interface FlowCookies {
  /** A new cookie for the flow: its field, and what the store may know of it. */
  make(use: CookieUse, flowId: string): { readonly field: FieldLines; readonly value: string; readonly digest: string };
  /** What the browser holds; undefined when it holds none, or two. */
  read(use: CookieUse, flowId: string, fields: FieldLines): string | undefined;
  clear(use: CookieUse, flowId: string): FieldLines;
}

/** Two tabs are two flows, and each has a cookie of its own. */
const ID_CHARACTERS = 12;

/** `isSecure`: false for http on loopback, where browsers keep neither `__Host-` nor Secure. */
export function createFlowCookies(isSecure: boolean): FlowCookies {
  const attributes = `; Path=/; HttpOnly; SameSite=Lax${isSecure ? '; Secure' : ''}`;
  const nameOf = (use: CookieUse, flowId: string): string =>
    `${isSecure ? '__Host-' : ''}obex-${use}-${flowId.slice(0, ID_CHARACTERS)}`;
  return {
    make: (use, flowId) => {
      const value = randomBytes(32).toString('base64url');
      const field = ['Set-Cookie', `${nameOf(use, flowId)}=${value}; Max-Age=${FLOW_SECONDS}${attributes}`];
      return { field, value, digest: digestOf(value) };
    },
    read: (use, flowId, fields) => {
      const prefix = `${nameOf(use, flowId)}=`;
      const pairs = fieldValues(fields, 'cookie').flatMap((line) => line.split(';').map((pair) => pair.trim()));
      const [found, ...more] = pairs.filter((pair) => pair.startsWith(prefix));
      return found === undefined || more.length > 0 ? undefined : found.slice(prefix.length);
    },
    clear: (use, flowId) => ['Set-Cookie', `${nameOf(use, flowId)}=; Max-Age=0${attributes}`],
  };
}

export function digestOf(value: string): string {
  return hash('sha256', value, 'base64url');
}

/** What the form of the consent page repeats: nobody but this browser's own pages can know it. */
export function formToken(cookie: string): string {
  return digestOf(`consent form ${cookie}`);
}
