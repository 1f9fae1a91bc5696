/** Sessions as a table for people. Names in it are chosen by strangers: nothing in it moves the cursor. */
import type { ShownSession } from '../admin/control-json.ts';
import { shownText } from '../lib/shown-text.ts';
import { shortClientId } from '../observe/short-client-id.ts';

const HEADS = ['SUBJECT', 'E-MAIL', 'CLIENT', 'SCOPES', 'SINCE', 'LAST CONFIRMED'];
/** In characters; a subject is to be copied, so it is whole. */
const LONGEST = 48;
const WHOLE = 1_024;

export function formatSessions(sessions: readonly ShownSession[], total: number): string {
  if (total === 0) return 'no sessions\n';
  const rows = sessions.map(toRow);
  const widths = HEADS.map((head, column) => Math.max(head.length, ...rows.map((row) => (row[column] ?? '').length)));
  const lines = [HEADS, ...rows].map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const more = total - sessions.length;
  const rest = more > 0 ? [`… and ${more} more; narrow it down with --subject or --client`] : [];
  return [...lines, ...rest, ''].join('\n');
}

function toRow({ subject, email, client_id: id, client_name: name, scopes, since, confirmed }: ShownSession): string[] {
  const shortId = shownText(shortClientId(id), LONGEST);
  const client = name === undefined ? shortId : `${shownText(name, LONGEST)} (${shortId})`;
  const scope = shownText(scopes.join(' '), LONGEST);
  return [shownText(subject, WHOLE), shownText(email ?? '-', LONGEST), client, scope, minute(since), minute(confirmed)];
}

/** 2026-03-01T12:00:00.000Z → 2026-03-01 12:00Z */
function minute(iso: string): string {
  return shownText(iso.replace('T', ' ').replace(/:\d\d(\.\d+)?Z$/, 'Z'), LONGEST);
}
