/** The way back for a person who has got nowhere: the client hears of it, instead of waiting. RFC 6749 §4.1.2.1 (access_denied). */
import { policySource } from './destination.ts';
import { type Html, html } from './html.ts';

/** As the consent page has them. */
export interface Back {
  readonly flow: string;
  readonly csrf: string;
  readonly redirectUri: URL;
}

/** Nothing where there is no way back. */
export function backForm(back: Back | undefined): Html | undefined {
  if (back === undefined) return undefined;
  return html`<form method="post" action="/oauth/consent">
<input type="hidden" name="flow" value="${back.flow}">
<input type="hidden" name="csrf" value="${back.csrf}">
<div class="actions"><button name="decision" value="deny">Back to the application</button></div>
</form>`;
}

/** For the policy of a page with such a form. */
export function backSources(back: Back | undefined): readonly string[] {
  return back === undefined ? [] : ["'self'", policySource(back.redirectUri)];
}
