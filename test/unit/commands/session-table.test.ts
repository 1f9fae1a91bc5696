/** Sessions as people read them; nothing that a stranger has chosen moves the cursor of the terminal. CWE-150. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ShownSession } from '../../../src/admin/control-json.ts';
import { formatSessions } from '../../../src/commands/session-table.ts';

function session(override: Partial<ShownSession> = {}): ShownSession {
  return {
    subject: 'ann',
    email: 'ann@example.com',
    client_id: 'editor',
    client_name: undefined,
    scopes: ['mcp:read', 'mcp:write'],
    since: '2026-03-01T12:00:59.999Z',
    confirmed: '2026-03-02T08:15:00.000Z',
    ...override,
  };
}

describe('the table of sessions', () => {
  it('has a line for each, in columns', () => {
    const long = `obex-${'c'.repeat(60)}`;
    assert.equal(
      formatSessions(
        [session(), session({ subject: 'bob', email: undefined, client_id: long, client_name: 'An editor' })],
        3,
      ),
      `SUBJECT  E-MAIL           CLIENT                                         SCOPES              SINCE              LAST CONFIRMED
ann      ann@example.com  editor                                         mcp:read mcp:write  2026-03-01 12:00Z  2026-03-02 08:15Z
bob      -                An editor (obex-${'c'.repeat(27)}…)  mcp:read mcp:write  2026-03-01 12:00Z  2026-03-02 08:15Z
… and 1 more; narrow it down with --subject or --client
`,
    );
  });

  it('says so when there is none', () => assert.equal(formatSessions([], 0), 'no sessions\n'));

  it('shows no control, no line end and no turned text', () => {
    const name = '\u001b[2J\u202eevil\n\u0007'.padEnd(200, 'x');
    const text = formatSessions([session({ subject: name, email: name, client_name: name, scopes: [name] })], 1);
    assert.doesNotMatch(text, /[^\n\P{C}]|\u202e/u);
    assert.equal(text.split('\n').length, 3);
  });
});
