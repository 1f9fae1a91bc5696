/** For a person whose login is over, or whose browser is not the one that began it. RFC 9700 §4.7. */
import { html } from './html.ts';
import { type Frame, type Page, page } from './page.ts';

export function expiredPage(frame: Frame): Page {
  const main = html`<h1>This login is no longer open</h1>
<p>It took too long, was already used, began in another browser, or was one of too many at once.</p>
<p>Go back to the application and connect again. Nothing else is needed, and you can close this page.</p>`;
  return page(frame, { status: 400, heading: 'Login expired', main });
}
