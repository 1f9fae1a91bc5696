/** A browser as far as login pages need one: cookies, redirects, and one form filled in and sent. HTML forms, RFC 6265. */
import type { FollowLogin } from '../../src/demo/browserless-login.ts';

/** What a person types, by the names of the input fields. */
export type FormFields = Readonly<Record<string, string>>;

const MAX_STEPS = 20;
const TIMEOUT_MS = 30_000;
const PAGE_TAIL = 500;

interface Form {
  readonly action: string;
  readonly fields: URLSearchParams;
}

/** Follows an authorization request to the redirect URL; the page with a password field gets `typed`. */
export function fillInLogin(typed: FormFields): FollowLogin {
  return async (authorizationUrl, redirectUrl) => {
    const cookies = new Map<string, string>();
    let url = authorizationUrl;
    let body: URLSearchParams | undefined;
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const response = await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        ...(body && { body }),
        headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '), Accept: 'text/html' },
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      for (const cookie of response.headers.getSetCookie()) rememberCookie(cookies, cookie);
      const location = response.headers.get('location');
      const page = await response.text();
      if (location === null) {
        const form = findLoginForm(page);
        if (form === undefined) throw new Error(`no login form: ${response.status} ${page.slice(0, PAGE_TAIL)}`);
        url = new URL(form.action, url);
        body = form.fields;
        for (const [name, value] of Object.entries(typed)) body.set(name, value);
      } else {
        url = new URL(location, url);
        body = undefined;
        if (url.href.startsWith(redirectUrl)) return url.searchParams;
      }
    }
    throw new Error(`the login never came back to the client; it ended at ${url.href}`);
  };
}

function rememberCookie(cookies: Map<string, string>, cookie: string): void {
  const [pair = ''] = cookie.split(';');
  const separator = pair.indexOf('=');
  cookies.set(pair.slice(0, separator), pair.slice(separator + 1));
}

/** The first form with a password field, with the values that its other fields came with. */
function findLoginForm(page: string): Form | undefined {
  for (const [, head = '', content = ''] of page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gis)) {
    const inputs = [...content.matchAll(/<input\b([^>]*)>/gi)].map(([, attributes = '']) => attributes);
    if (!inputs.some((input) => readAttribute(input, 'type') === 'password')) continue;
    const fields = new URLSearchParams();
    for (const input of inputs) {
      const name = readAttribute(input, 'name');
      const isSent = readAttribute(input, 'type') === 'hidden';
      if (name !== undefined && isSent) fields.append(name, readAttribute(input, 'value') ?? '');
    }
    return { action: readAttribute(head, 'action') ?? '', fields };
  }
  return undefined;
}

function readAttribute(tag: string, name: string): string | undefined {
  const [, value] = new RegExp(`\\b${name}\\s*=\\s*["']([^"']*)["']`, 'i').exec(tag) ?? [];
  return value?.replaceAll('&#34;', '"').replaceAll('&#x3D;', '=').replaceAll('&amp;', '&');
}
