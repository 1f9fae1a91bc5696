/** For a person whose client is described by a document that cannot be used. draft-ietf-oauth-client-id-metadata-document §4.3. */
import { html } from './html.ts';
import { type Frame, type Page, page, urlText } from './page.ts';

export interface ClientDocumentView {
  readonly frame: Frame;
  /** The URL as it came. */
  readonly clientId: string;
  /** Undefined: it could be fetched, or must not be, and waiting does not help. */
  readonly retryAfterSeconds: number | undefined;
}

export function clientDocumentPage({ frame, clientId, retryAfterSeconds }: ClientDocumentView): Page {
  const problem =
    retryAfterSeconds === undefined
      ? 'which this server cannot use, or does not allow. Start again from the application; if that does not help, tell the owner of this server.'
      : 'which cannot be had just now. Wait a minute, then start again from the application.';
  const main = html`<h1>This server could not find out who your application is</h1>
<p>The application refers to a description of itself, ${problem}</p>
<dl>
<div><dt>Description</dt><dd>${urlText(clientId, 200)}</dd></div>
</dl>`;
  if (retryAfterSeconds === undefined) return page(frame, { status: 400, heading: 'Unknown application', main });
  const fields = ['retry-after', retryAfterSeconds.toString()];
  return page(frame, { status: 503, heading: 'Not available', main, fields });
}
