/** For a person whom the IdP has sent back with an error instead of a code. RFC 6749 §4.1.2.1, OpenID Connect §3.1.2.6. */

import { shownName, shownText } from '../../lib/shown-text.ts';
import { type Back, backForm, backSources } from './back-form.ts';
import { type Html, html } from './html.ts';
import { type Frame, type Page, page, quoted } from './page.ts';

export interface UpstreamRefusedView {
  readonly frame: Frame;
  readonly idpName: string;
  /** As the IdP gave them; neither is trusted. */
  readonly error: string;
  readonly description: string | undefined;
  readonly back: Back | undefined;
}

/** The person's own decision, or one that another account may turn. */
const DECLINED: ReadonlySet<string> = new Set(['access_denied', 'consent_required', 'interaction_required']);

export function upstreamRefusedPage(view: UpstreamRefusedView): Page {
  const declined = DECLINED.has(view.error);
  const main = html`<h1>${view.idpName} did not log you in</h1>
<p>${declined ? DECLINED_ADVICE : OTHER_ADVICE}</p>
<dl>
<div><dt>Error</dt><dd><code>${shownText(view.error, 80)}</code></dd></div>
${says(view)}
</dl>
${backForm(view.back)}`;
  const status = declined ? 403 : 502;
  return page(view.frame, { status, heading: 'Not logged in', main, formAction: backSources(view.back) });
}

const DECLINED_ADVICE = html`If you cancelled, there is nothing to do. Otherwise start again from the application; if that does not help, show this page to the owner of this server: your account may need access there.`;

const OTHER_ADVICE = html`Start again from the application in a few minutes. If it happens again, show this page to the owner of this server.`;

function says(view: UpstreamRefusedView): Html | undefined {
  if (shownName(view.description) === undefined) return undefined;
  return html`<div><dt>${view.idpName} says</dt><dd>${quoted(shownText(view.description ?? '', 300))}</dd></div>`;
}
