/** What a person is asked before the login: who gets access, to what. MCP security best practices, RFC 9700 §4.4. */

import { shownName, shownText } from '../../lib/shown-text.ts';
import { REMEMBERED_DAYS } from '../remembered-consents.ts';
import { type Destination, destinationOf, policySource } from './destination.ts';
import { type Html, html } from './html.ts';
import { type Frame, type Page, page, quoted, urlText } from './page.ts';

export interface ConsentView {
  readonly frame: Frame;
  readonly client: {
    readonly name: string | undefined;
    /** Configured by the owner; otherwise the client has registered itself under a name of its choice. */
    readonly static: boolean;
    /** Where its document was fetched; undefined: it has none. The one thing about it that is verified. */
    readonly documentHost?: string | undefined;
  };
  readonly redirectUri: URL;
  readonly idp: {
    readonly name: string;
    /** Where the browser is sent. */
    readonly authorizationEndpoint: URL;
  };
  /** URL of the server, as the tokens will name it. */
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Whether the person may agree for good. */
  readonly canBeRemembered: boolean;
  /** Of the form: which login, and proof that this browser was shown the page. */
  readonly flow: string;
  readonly csrf: string;
}

/** More of them would push the buttons out of sight. */
const SCOPES_SHOWN = 24;

/** Answered by a form: `flow`, `csrf`, `decision` (`approve` or `deny`), and perhaps `remember` (`yes`). */
export function consentPage(view: ConsentView): Page {
  return page(view.frame, { status: 200, heading: 'Give access', main: question(view), formAction: formAction(view) });
}

/**
 * Chromium holds every redirect that follows the form against its policy: to the IdP, from there to any other host (a
 * company's own login behind it, which only `https:` covers), and by way of us to the client.
 */
function formAction({ idp, redirectUri }: ConsentView): readonly string[] {
  const { protocol } = idp.authorizationEndpoint;
  return [
    ...new Set(["'self'", 'https:', protocol, policySource(idp.authorizationEndpoint), policySource(redirectUri)]),
  ];
}

function question(view: ConsentView): Html {
  const destination = destinationOf(view.redirectUri);
  return html`<h1><span class="lead">Give access to</span> <span class="destination">${who(destination)}</span></h1>
${self(view.client, destination)}
<dl>
<div><dt>Server</dt><dd>${urlText(view.resource, 300)}</dd></div>
<div><dt>Scopes</dt><dd>${scopeList(view.scopes)}</dd></div>
<div><dt>You log in at</dt><dd>${upstream(view.idp)}</dd></div>
<div><dt>Then you return to</dt><dd>${urlText(view.redirectUri.href, 200)}</dd></div>
</dl>
<p class="note">Continue only if you have just started this yourself ${where(destination)}. If a link or a message led you here, cancel.</p>
${answers(view)}`;
}

function who(destination: Destination): Html {
  switch (destination.kind) {
    case 'site':
      return html`${destination.host}`;
    case 'this-computer':
      return html`an application on this computer`;
    case 'scheme':
      return html`the application for ${destination.scheme} links`;
  }
}

function where(destination: Destination): string {
  switch (destination.kind) {
    case 'site':
      return `at ${destination.host}`;
    case 'this-computer':
      return 'in an application on this computer';
    case 'scheme':
      return 'in that application';
  }
}

function self(client: ConsentView['client'], destination: Destination): Html {
  const name = shownName(client.name);
  if (client.static) {
    const who = name === undefined ? html`It` : html`<strong><bdi>${name}</bdi></strong>`;
    return html`<p>${who} was set up by the owner of this server.</p>`;
  }
  if (client.documentHost !== undefined) return described(client.documentHost, name, destination);
  if (name === undefined) return html`<p>It gives no name of its own.</p>`;
  return html`<p>It calls itself ${quoted(name)}. Nobody has verified this name.</p>`;
}

/** A document proves whose site it lies on, and that codes go where that site wants; not which program asks on this computer. */
function described(host: string, name: string | undefined, destination: Destination): Html {
  const called = name === undefined ? html`without a name.` : html`as ${quoted(name)}. Nobody has verified this name.`;
  const anybody = destination.kind === 'site' ? undefined : html` Any program on this computer can refer to it.`;
  return html`<p>It is described at <strong>${host}</strong>, ${called}${anybody}</p>`;
}

function scopeList(scopes: readonly string[]): Html {
  if (scopes.length === 0) return html`none`;
  const items = scopes.slice(0, SCOPES_SHOWN).map((scope) => html`<li><code>${shownText(scope, 80)}</code></li>`);
  const more = scopes.length - items.length;
  return html`<ul>${items}${more > 0 ? html`<li>and ${more.toString()} more</li>` : undefined}</ul>`;
}

function upstream(view: ConsentView['idp']): Html {
  const { host } = view.authorizationEndpoint;
  return view.name === host ? html`${host}` : html`${shownText(view.name, 80)} <span class="soft">(${host})</span>`;
}

/** The person still logs in at the IdP, which may not ask either. */
const REMEMBER = html`<label class="choice"><input type="checkbox" name="remember" value="yes"> Do not ask again in this browser for ${REMEMBERED_DAYS.toString()} days</label>`;

function answers(view: ConsentView): Html {
  return html`<form method="post" action="/oauth/consent">
<input type="hidden" name="flow" value="${view.flow}">
<input type="hidden" name="csrf" value="${view.csrf}">
${view.canBeRemembered ? REMEMBER : undefined}
<div class="actions">
<button class="primary" name="decision" value="approve">Continue to ${shownText(view.idp.name, 80)}</button>
<button name="decision" value="deny">Cancel</button>
</div>
</form>`;
}
