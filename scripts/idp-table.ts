/** A node:test reporter: what each identity provider of test/idps does with Obex, read from the titles of its tests. */
import { basename } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const COLUMNS = ['client credentials', 'login', 'refresh', 'scopes', 'audience', 'headers'];
/** `login, headers: …`, or `no refresh: …` for a test that shows that there is none. */
const TITLE = /^(no )?([a-z, ]+): /;

type Outcome = 'yes' | 'no' | 'FAILED';

interface Row {
  readonly command: string;
  readonly cells: Map<string, Outcome>;
}

export default async function* idpTable(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const rows = new Map<string, Row>();
  let idp = '';
  for await (const { type, data } of events) {
    if (type === 'test:start' && data.nesting === 0) idp = data.name;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details.type === 'suite') continue;
    const row = rows.get(idp) ?? {
      command: commandFor(data.entryFile ?? data.file ?? ''),
      cells: new Map<string, Outcome>(),
    };
    rows.set(idp, row);
    const [, no, columns = ''] = TITLE.exec(data.name) ?? [];
    const shown = no === undefined ? 'yes' : 'no';
    for (const column of columns.split(', ')) {
      if (type === 'test:fail') row.cells.set(column, 'FAILED');
      else if (row.cells.get(column) !== 'FAILED') row.cells.set(column, shown);
    }
  }
  yield formatTable([
    ['', ...COLUMNS, ''],
    ...[...rows].map(([name, { command, cells }]) => [
      name,
      ...COLUMNS.map((column) => cells.get(column) ?? '-'),
      command,
    ]),
  ]);
}

function commandFor(file: string): string {
  return `make test-idps IDP=${basename(file, '.test.ts')}`;
}

function formatTable(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const format = (line: readonly string[]): string =>
    line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
  return `\n${lines.map((line) => format(line).trimEnd()).join('\n')}\n`;
}
