/** For a person whose client comes with a client id that is not known (any more). RFC 6749 §4.1.2.1: no redirect then. */
import { html } from './html.ts';
import { type Frame, type Page, page } from './page.ts';

/** Clients keep the id of a registration, and most never register again by themselves. */
export function unknownClientPage(frame: Frame): Page {
  const main = html`<h1>This server no longer knows your application</h1>
<p>The application has kept a registration that is not valid here any more. Let it forget its login for this server, then connect again.</p>
<dl>
<div><dt>Claude Code</dt><dd><code>/mcp</code>, choose this server, then “Clear authentication”</dd></div>
<div><dt>VS Code</dt><dd>in the Command Palette: “Authentication: Remove Dynamic Authentication Providers”</dd></div>
<div><dt>mcp-remote</dt><dd>delete the folder <code>~/.mcp-auth</code>, which ends its logins at all servers, and restart the application</dd></div>
<div><dt>Others</dt><dd>log out of this server, or remove it and add it again</dd></div>
</dl>`;
  return page(frame, { status: 400, heading: 'Unknown application', main });
}
