/** For a person who came while logins do not work: an outage of ours or of the IdP. RFC 9110 §15.6.4, §10.2.3. */
import { html } from './html.ts';
import { type Frame, type Page, page } from './page.ts';

export interface UnavailableView {
  readonly frame: Frame;
  readonly retryAfterSeconds: number;
}

export function unavailablePage(view: UnavailableView): Page {
  const main = html`<h1>Logging in does not work just now</h1>
<p>This is not your fault. Wait a minute, then start again from the application.</p>
<p class="soft">Applications that are already logged in may go on working.</p>`;
  const fields = ['retry-after', view.retryAfterSeconds.toString()];
  return page(view.frame, { status: 503, heading: 'Not available', main, fields });
}
