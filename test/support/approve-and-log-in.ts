/** The way of a browser through the login of Obex: approves there, logs in at the IdP, returns to the client. RFC 6749 §4.1, RFC 6265. */
import type { FollowLogin } from '../../src/demo/browserless-login.ts';

const TIMEOUT_MS = 30_000;

/** `atIdp` follows from the IdP's authorization endpoint to the URL at which the IdP calls back. */
export function approveAndLogIn(atIdp: FollowLogin): FollowLogin {
  return async (authorizationUrl, redirectUrl) => {
    const browser = new Browser();
    const consent = await browser.follow(authorizationUrl);
    const asked = await browser.follow(new URL(consent.pathname, consent), await browser.approve(consent));
    const callback = new URL(asked.searchParams.get('redirect_uri') ?? '');
    callback.search = (await atIdp(asked, callback.href)).toString();
    const back = await browser.follow(callback);
    if (!back.href.startsWith(redirectUrl)) throw new Error(`the login led to ${back.href}`);
    return back.searchParams;
  };
}

/** At Obex alone. */
class Browser {
  readonly #cookies = new Map<string, string>();

  /** Where the answer leads. */
  async follow(url: URL, form?: URLSearchParams): Promise<URL> {
    const response = await this.#visit(url, form);
    const location = response.headers.get('location');
    const text = await response.text();
    if (location === null) throw new Error(`${url.pathname} leads nowhere: ${response.status} ${text}`);
    return new URL(location, url);
  }

  /** What the button of the page sends. */
  async approve(consent: URL): Promise<URLSearchParams> {
    const page = await (await this.#visit(consent)).text();
    const hidden = page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g);
    const fields = [...hidden].map(([, name = '', value = '']) => [name, value]);
    return new URLSearchParams([...fields, ['decision', 'approve']]);
  }

  async #visit(url: URL, form?: URLSearchParams): Promise<Response> {
    const response = await fetch(url, {
      ...(form && { method: 'POST', body: form }),
      headers: { Cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; '), Origin: url.origin },
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      this.#cookies.set(name, value);
    }
    return response;
  }
}
