/** The frame of every page for a person: plain HTML without script, and the fields that keep it so. CSP Level 3. */
import { createHash } from 'node:crypto';
import { shownText } from '../../lib/shown-text.ts';
import { type Html, html } from './html.ts';
import { STYLE } from './style.ts';

export interface Page {
  readonly status: number;
  /** Alternating name and value. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** What all pages of a deployment have in common, and the request that this one answers. */
export interface Frame {
  /** Of the deployment. */
  readonly title: string;
  /** A PNG, JPEG or WebP as a data URL. */
  readonly logo: string | undefined;
  /** Request id, for a person to quote to the owner. */
  readonly reference: string | undefined;
}

export interface Content {
  readonly status: number;
  /** Of the browser's tab; the title of the deployment is put behind it. */
  readonly heading: string;
  readonly main: Html;
  /** Sources to which a form of this page may lead; none: it has no form. */
  readonly formAction?: readonly string[];
  /** Beyond those of every page, alternating name and value. */
  readonly fields?: readonly string[];
}

const STYLE_SOURCE = `'sha256-${createHash('sha256').update(STYLE.toString()).digest('base64')}'`;

/** No-referrer instead of same-origin would make browsers send forms with `Origin: null`. Fetch §3.2. */
const FIELDS = Object.entries({
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}).flat();

export function page(frame: Frame, content: Content): Page {
  return {
    status: content.status,
    fields: [...FIELDS, 'content-security-policy', policy(content.formAction ?? []), ...(content.fields ?? [])],
    body: documentOf(frame, content).toString(),
  };
}

/** Words of strangers, kept apart from ours: they cannot close the quotation, nor turn the direction of what follows. */
export function quoted(text: string): Html {
  return html`<strong>“<bdi>${text.replace(/["“”„‟]/g, "'")}</bdi>”</strong>`;
}

/** A URL, which may be broken over lines after a slash. */
export function urlText(url: string, length: number): Html {
  const parts = shownText(url, length).split(/(?<=[^/]\/)(?=[^/])/);
  return html`<code>${parts.map((part, index) => html`${index > 0 ? html`<wbr>` : undefined}${part}`)}</code>`;
}

function policy(formAction: readonly string[]): string {
  const targets = formAction.length === 0 ? "'none'" : formAction.join(' ');
  return [
    "default-src 'none'",
    `style-src ${STYLE_SOURCE}`,
    'img-src data:',
    `form-action ${targets}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

function documentOf(frame: Frame, content: Content): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${content.heading} – ${shownText(frame.title, 80)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header>${mark(frame.logo)}<p>${shownText(frame.title, 80)}</p></header>
<main>
${content.main}
</main>
${footer(frame.reference)}
</body>
</html>
`;
}

/** The title stands beside it, so that a screen reader need not say it twice. */
function mark(logo: string | undefined): Html {
  if (logo !== undefined) return html`<img src="${logo}" alt="">`;
  return html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M7 10V7a5 5 0 0 1 10 0v3M5 10h14v11H5zM12 14v3"/></svg>`;
}

function footer(reference: string | undefined): Html | undefined {
  if (reference === undefined) return undefined;
  return html`<footer><p>Reference for the owner of this server: <code>${shownText(reference, 80)}</code></p></footer>`;
}
