/** For a person who could log in at the IdP and is not among those who may use this server. RFC 6749 §4.1.2.1. */

import { shownName } from '../../lib/shown-text.ts';
import { type Back, backForm, backSources } from './back-form.ts';
import { html } from './html.ts';
import { type Frame, type Page, page, quoted } from './page.ts';

export interface NotAllowedView {
  readonly frame: Frame;
  /** E-mail address or name, else the subject. */
  readonly person: string;
  readonly idpName: string;
  /** A path or URL of ours that starts the login anew; undefined: only the application can. */
  readonly restart: string | undefined;
  readonly back: Back | undefined;
}

export function notAllowedPage(view: NotAllowedView): Page {
  const person = shownName(view.person);
  const whom = person === undefined ? html`You are logged in` : html`You are logged in as ${quoted(person)}`;
  const main = html`<h1>You may not use this server</h1>
<p>${whom} at ${view.idpName}, and this account has no access here.</p>
<p>Ask the owner of this server for access, or log in with another account.</p>
${
  view.restart === undefined
    ? html`<p>To do so, log out at ${view.idpName} first, then start again from the application that you came from.</p>`
    : html`<p class="actions"><a class="button primary" href="${view.restart}">Log in as somebody else</a></p>`
}
${backForm(view.back)}`;
  return page(view.frame, { status: 403, heading: 'No access', main, formAction: backSources(view.back) });
}
