/** For a person whose client made an authorization request that cannot be answered to it. RFC 6749 §4.1.2.1. */

import { shownName, shownText } from '../../lib/shown-text.ts';
import { html } from './html.ts';
import { type Frame, type Page, page } from './page.ts';

export interface InvalidRequestView {
  readonly frame: Frame;
  /** An error code of RFC 6749 or of an extension, and what was wrong. */
  readonly error: string;
  readonly description: string | undefined;
}

export function invalidRequestPage(view: InvalidRequestView): Page {
  const described =
    shownName(view.description) === undefined
      ? undefined
      : html`<div><dt>Description</dt><dd><bdi>${shownText(view.description ?? '', 300)}</bdi></dd></div>`;
  const main = html`<h1>The application asked for something wrong</h1>
<p>Its request cannot be answered, so it has not been given access. Start again from the application; if that does not help, tell its maker or the owner of this server.</p>
<dl>
<div><dt>Error</dt><dd><code>${shownText(view.error, 80)}</code></dd></div>
${described}
</dl>`;
  return page(view.frame, { status: 400, heading: 'Invalid request', main });
}
