/** A person's browser as logins need one: cookies by origin, redirects by hand, the forms of both servers. RFC 6265, HTML forms. */
import type { FieldLines } from '../../src/wire/exchange.ts';
import { fieldValues } from '../../src/wire/field-values.ts';
import { type Answer, ISSUER, type Login } from './login-server.ts';

const MAX_STEPS = 12;

/** What the browser itself says of a form of our own page. Fetch Metadata, Fetch §3.2. */
export const OWN_FORM: FieldLines = ['origin', ISSUER, 'sec-fetch-site', 'same-origin'];

export class Browser {
  /** Where clients were called, with what the login gave them. */
  readonly arrivals: URL[] = [];
  /** By origin, then by name. */
  readonly jar = new Map<string, Map<string, string>>();
  readonly #login: Login;
  readonly #account: string;

  /** `account`: who sits before it, as they are called at the IdP. */
  constructor(login: Login, account = 'alice') {
    this.#login = login;
    this.#account = account;
  }

  get cookies(): Map<string, string> {
    const found = this.jar.get(ISSUER) ?? new Map<string, string>();
    this.jar.set(ISSUER, found);
    return found;
  }

  get(url: string, fields: FieldLines = []): Promise<Answer> {
    return this.#send(new URL(url, ISSUER), { method: 'GET', fields });
  }

  post(url: string, form: Readonly<Record<string, string>>, fields: FieldLines = OWN_FORM): Promise<Answer> {
    return this.#send(new URL(url, ISSUER), { method: 'POST', fields, form: new URLSearchParams(form) });
  }

  /** Decides on a consent page that was shown before. */
  decide(consent: Answer, decision: string, change: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.post('/oauth/consent', { ...hiddenFields(consent.text), decision, ...change });
  }

  /** From the redirect to the IdP through its pages, up to the URL at which it calls back. */
  async passIdp({ location }: Answer): Promise<string> {
    let url = location ?? '';
    for (let step = 0; step < MAX_STEPS; step += 1) {
      const answer = await this.#send(new URL(url), { method: 'GET', fields: [] });
      const next = answer.location === undefined ? await this.#fillIn(url, answer) : answer;
      url = new URL(next.location ?? '', url).href;
      if (new URL(url).origin === ISSUER) return url;
    }
    throw new Error(`the IdP never called back; it ended at ${url}`);
  }

  #fillIn(url: string, { text }: Answer): Promise<Answer> {
    const [, action = ''] = /action="([^"]*)"/.exec(text) ?? [];
    const [, prompt = ''] = /name="prompt" value="(\w+)"/.exec(text) ?? [];
    const form = new URLSearchParams({ prompt, ...(prompt === 'login' && { login: this.#account }) });
    return this.#send(new URL(action.replaceAll('&amp;', '&'), url), { method: 'POST', fields: [], form });
  }

  async #send(url: URL, sent: Sent): Promise<Answer> {
    const cookies = [...(this.jar.get(url.origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
    const fields = [...sent.fields, ...(cookies === '' ? [] : ['cookie', cookies])];
    const answer = await (url.origin === ISSUER
      ? this.#askLogin(url, { ...sent, fields })
      : ask(url, { ...sent, fields }));
    for (const cookie of fieldValues(answer.fields, 'set-cookie')) this.#remember(url.origin, cookie);
    if (answer.location !== undefined) this.#noteArrival(new URL(answer.location, url));
    return answer;
  }

  #askLogin({ pathname, search }: URL, { method, fields, form }: Sent): Promise<Answer> {
    const type = form === undefined ? [] : ['content-type', 'application/x-www-form-urlencoded'];
    return this.#login.ask({
      method,
      target: pathname + search,
      fields: [...fields, ...type],
      body: form?.toString() ?? '',
    });
  }

  #remember(origin: string, cookie: string): void {
    const [pair = '', ...attributes] = cookie.split(';');
    const separator = pair.indexOf('=');
    const cookies = this.jar.get(origin) ?? new Map<string, string>();
    this.jar.set(origin, cookies);
    if (attributes.some((each) => each.trim().toLowerCase() === 'max-age=0')) cookies.delete(pair.slice(0, separator));
    else cookies.set(pair.slice(0, separator), pair.slice(separator + 1));
  }

  #noteArrival(target: URL): void {
    if (target.origin !== ISSUER && target.origin !== this.#login.idp.issuer) this.arrivals.push(target);
  }
}

interface Sent {
  readonly method: string;
  readonly fields: FieldLines;
  readonly form?: URLSearchParams;
}

async function ask(url: URL, { method, fields, form }: Sent): Promise<Answer> {
  const headers = new Headers();
  for (let at = 0; at < fields.length; at += 2) headers.append(fields[at] ?? '', fields[at + 1] ?? '');
  const response = await fetch(url, { method, headers, redirect: 'manual', ...(form !== undefined && { body: form }) });
  const text = await response.text();
  const location = response.headers.get('location') ?? undefined;
  return { status: response.status, fields: [...response.headers].flat(), text, location };
}

/** `flow` and `csrf` of a consent page. */
export function hiddenFields(page: string): Readonly<Record<string, string>> {
  const inputs = page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g);
  return Object.fromEntries([...inputs].map(([, name = '', value = '']) => [name, value]));
}
