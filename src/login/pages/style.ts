/** The one style sheet of the pages: for phones first, light and dark, readable with forced colours. WCAG 2.2 AA. */
import { html } from './html.ts';

/** Markup, because a style element is raw text; its hash stands in the policy, so it has nothing inserted. */
export const STYLE = html`
:root {
  color-scheme: light dark;
  --ground: #f3f4f7; --card: #fff; --text: #15181e; --soft: #545c69; --line: #dde1e8; --well: #f3f4f7;
  --accent: #2350d2; --accent-hover: #1b41b0; --on-accent: #fff; --edge: #7b8494;
  --note: #fff5db; --note-line: #e3b341; --note-text: #533c00;
  --shadow: 0 1px 2px rgb(16 24 40 / 6%), 0 12px 32px rgb(16 24 40 / 8%);
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1014; --card: #171a20; --text: #eceef2; --soft: #a4acb9; --line: #2c313b; --well: #20242c;
    --accent: #8eaaff; --accent-hover: #adc1ff; --on-accent: #0a1433; --edge: #7b8494;
    --note: #2b2410; --note-line: #8a6d1f; --note-text: #f5dfa4;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; min-height: 100vh; min-height: 100dvh; padding: 16px 16px 24px;
  display: flex; flex-direction: column; align-items: center;
  background: var(--ground); color: var(--text); overflow-wrap: anywhere;
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
header, main, footer { width: 100%; max-width: 33rem; }
header { display: flex; align-items: center; gap: 10px; padding: 0 4px 12px; }
header p { margin: 0; font-weight: 600; }
header img { max-width: 8rem; height: 32px; object-fit: contain; border-radius: 6px; }
/* Many logos are drawn for white paper. */
@media (prefers-color-scheme: dark) { header img { padding: 3px; background: #fff; } }
header svg { width: 32px; height: 32px; padding: 6px; flex: none; border-radius: 8px; background: var(--accent); }
header path { fill: none; stroke: var(--on-accent); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
main {
  padding: 20px; background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  box-shadow: var(--shadow);
}
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; letter-spacing: -0.01em; text-wrap: balance; }
h1 .lead { display: block; margin-bottom: 4px; color: var(--soft); font-size: 1rem; font-weight: 400; letter-spacing: 0; }
h1 .destination { display: block; font-size: 1.75rem; line-height: 1.2; }
p { margin: 12px 0 0; }
h1 + p { margin-top: 8px; }
.soft, dt, footer { color: var(--soft); }
strong { font-weight: 600; }
code { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
dl { margin: 16px 0 0; border-top: 1px solid var(--line); }
dl > div { padding: 8px 0; border-bottom: 1px solid var(--line); }
dl:last-child { margin-bottom: -8px; }
dl:last-child > div:last-child { border-bottom: 0; }
dt { font-size: 0.875rem; }
dd { margin: 0; }
dd ul { display: flex; flex-wrap: wrap; gap: 6px; margin: 2px 0; padding: 0; list-style: none; }
dd li { padding: 1px 8px; background: var(--well); border: 1px solid var(--line); border-radius: 6px; }
.note {
  margin-top: 16px; padding: 10px 14px; background: var(--note); color: var(--note-text);
  border: 1px solid var(--note-line); border-radius: 10px;
}
.choice { display: flex; align-items: center; gap: 10px; min-height: 44px; margin-top: 12px; cursor: pointer; }
.choice input { width: 20px; height: 20px; flex: none; margin: 0; accent-color: var(--accent); }
.actions { display: flex; flex-direction: column; gap: 10px; margin-top: 16px; }
button, .button {
  display: block; min-height: 48px; padding: 11px 18px; border: 1px solid var(--edge); border-radius: 10px;
  background: transparent; color: var(--text); font: inherit; font-weight: 600; line-height: 1.5; text-align: center;
  text-decoration: none; cursor: pointer; overflow-wrap: anywhere;
}
button:hover, .button:hover { background: var(--well); }
.primary { border-color: transparent; background: var(--accent); color: var(--on-accent); }
.primary:hover { background: var(--accent-hover); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
footer { padding: 16px 4px 0; font-size: 0.8125rem; }
footer p { margin: 0; }
@media (min-width: 40rem) {
  body { padding: 6vh 24px 32px; }
  main { padding: 32px; }
  h1 .destination { font-size: 2rem; }
  dl { margin-top: 20px; }
  dl > div { padding: 10px 0; display: grid; grid-template-columns: 8.5rem 1fr; gap: 12px; }
  dt { padding-top: 1px; }
  .note, .actions { margin-top: 20px; }
  .actions { flex-direction: row; }
  .actions > * { flex: 1; }
  .actions > .primary { flex: 2; }
}
`;
