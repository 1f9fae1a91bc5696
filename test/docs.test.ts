/** The documentation says what the code does: refusals, metrics, commands. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { DENIAL_REASONS, denialRow } from '../src/oauth/denial.ts';
import { DpopMetrics } from '../src/observe/dpop-metrics.ts';
import { Metrics } from '../src/observe/metrics.ts';
import { processMetrics } from '../src/observe/process-metrics.ts';
import { readFencedBlocks } from './support/fenced-blocks.ts';
import { PROGRAM } from './support/program.ts';

const ROOT = path.join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

/** Cells of the table rows of a page, without surrounding space and backquotes. */
function tableRows(page: string): readonly (readonly string[])[] {
  const rows = page.split('\n').filter((line) => line.startsWith('|'));
  return rows.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
  );
}

describe('docs/errors.md', () => {
  const rows = tableRows(read('docs/errors.md'));
  for (const reason of DENIAL_REASONS) {
    it(`has the row of ${reason}, with its status, error and challenge`, () => {
      const { status, error, challenge = '' } = denialRow(reason);
      const row = rows.find((cells) => cells[2] === reason);
      assert.deepEqual(row?.slice(0, 4), [String(status), error, reason, challenge]);
      assert.ok((row?.[4] ?? '').length > 20, 'says why, and what to do');
    });
  }
});

describe('docs/metrics.md', () => {
  it('names every metric family', () => {
    const metrics = new Metrics();
    metrics.register(...processMetrics('0', () => 1), ...new DpopMetrics().families);
    metrics.register(...metrics.introspection.families(() => 'https://issuer.example'));
    const names = [...metrics.format().matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '');
    const runtime = [...read('src/compose/metrics.ts').matchAll(/'(obex_\w+)'/g)].map(([, name]) => name ?? '');
    const page = read('docs/metrics.md');
    assert.ok(names.length > 5 && runtime.length > 4);
    assert.deepEqual(
      [...names, ...runtime].filter((name) => !page.includes(`\`${name}\``)),
      [],
    );
  });
});

describe('docs/tls.md', () => {
  it('has what obex certs says of files that are provided, and of TLS_MODE=external', () => {
    const source = read('src/certs/provided.ts') + read('src/commands/certs.ts');
    const said = [...source.matchAll(/(?:fine|warning|error)\(\s*['`]([^'`$]+)/g)].map(([, text]) => text ?? '');
    const page = read('docs/tls.md');
    assert.ok(said.length > 7);
    assert.deepEqual(
      said.filter((text) => !page.includes(text.split('(')[0]?.trim() ?? '')),
      [],
    );
  });
});

describe('commands with flags for the config', () => {
  const pages = ['README.md', ...globSync('docs/*.md', { cwd: ROOT })];
  const lines = pages.flatMap((page) =>
    readFencedBlocks(page)
      .filter(({ language }) => language === 'sh')
      .flatMap(({ place, text }) => text.split('\n').map((line) => ({ place, line: line.replace(/ +#.*/, '') })))
      .filter(({ line }) => /^(bin\/)?obex (serve|check) .*(--backend|--issuer|--set|--public-url) /.test(line)),
  );

  it('stand in README.md and docs/operations.md', () =>
    assert.deepEqual(
      new Set(lines.map(({ place }) => place.split(':')[0])),
      new Set(['README.md', 'docs/operations.md']),
    ));

  for (const { place, line } of lines) {
    it(`${place} ${line}`, () => {
      const [, , ...flags] = line.split(' ');
      const args = [...PROGRAM.args, 'check', ...flags];
      const { status, stderr } = spawnSync(PROGRAM.command, args, { encoding: 'utf8', env: {} });
      assert.deepEqual([status, stderr], [0, '']);
    });
  }
});

describe('commands', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: ROOT })];

  it('of the documentation that call make exist', () => {
    const targets = new Set([...read('Makefile').matchAll(/^([a-z][a-z-]*):/gm)].map(([, name]) => name));
    const called = pages.flatMap((page) => [...read(page).matchAll(/\bmake ([a-z][a-z-]*)`/g)].map(([, name]) => name));
    assert.ok(called.length > 5);
    assert.deepEqual(
      called.filter((name) => !targets.has(name)),
      [],
    );
  });

  it('of make are what a bare make prints', () => {
    const [, targets = ''] = /^\.PHONY: (.*)$/m.exec(read('Makefile')) ?? [];
    const { status, stdout } = spawnSync('make', ['-C', ROOT, '--no-print-directory'], { encoding: 'utf8' });
    assert.equal(status, 0);
    const listed = [...stdout.matchAll(/^make (\S+) {2,}\S/gm)].map(([, target]) => target);
    assert.deepEqual(new Set(['help', ...listed]), new Set(targets.split(' ')));
  });

  for (const command of ['serve', 'check', 'certs', 'schema', 'demo']) {
    it(`obex ${command} --help shows an example`, () => {
      const args = [...PROGRAM.args, command, '--help'];
      const { status, stdout } = spawnSync(PROGRAM.command, args, { encoding: 'utf8' });
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`Example:\\n  \\$ .*obex ${command}`));
    });
  }
});
