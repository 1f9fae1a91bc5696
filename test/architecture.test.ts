/** The rules of the house, as ARCHITECTURE.md states them, checked on the source itself. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');
const SOURCE = path.join(ROOT, 'src');
const MAX_LINES = 250;

/** Which rooms a room may import from; the files at the top of `src` and `commands` may import anything. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  oauth: ['lib'],
  mcp: ['lib'],
  wire: ['lib'],
  observe: ['lib', 'oauth'],
  state: ['lib', 'oauth', 'observe', 'wire'],
  login: ['lib', 'oauth', 'observe', 'state', 'wire'],
  gate: ['lib', 'oauth', 'mcp', 'state', 'observe'],
  proxy: ['lib', 'oauth', 'mcp', 'wire', 'observe'],
  server: ['lib', 'oauth', 'mcp', 'wire', 'observe', 'state', 'gate', 'proxy'],
  config: ['lib'],
  certs: ['lib', 'wire'],
  admin: ['lib', 'observe', 'state', 'wire'],
  programs: ['lib', 'oauth', 'mcp', 'wire', 'observe'],
};

/** Rooms that know no I/O: no module of Node but those that compute. */
const PURE = ['lib', 'oauth', 'mcp'];
const COMPUTING_MODULES = ['node:crypto', 'node:buffer', 'node:net'];

interface SourceFile {
  readonly name: string;
  readonly room: string;
  readonly text: string;
}

const files: readonly SourceFile[] = globSync('**/*.ts', { cwd: SOURCE })
  .toSorted()
  .map((name) => ({
    name,
    room: name.includes('/') ? (name.split('/')[0] ?? '') : '',
    text: readFileSync(path.join(SOURCE, name), 'utf8'),
  }));

function importsOf({ text }: SourceFile): readonly string[] {
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)];
  return specifiers.map(([, specifier]) => specifier ?? '');
}

function roomOf(file: SourceFile, specifier: string): string {
  const target = path.join(path.dirname(file.name), specifier);
  return target.includes('/') ? (target.split('/')[0] ?? '') : target;
}

describe('ARCHITECTURE.md', () => {
  it('finds the source', () => assert.ok(files.length > 40, `${files.length} files`));

  for (const file of files) {
    const allowed = MAY_IMPORT[file.room];
    if (allowed === undefined) continue;
    it(`${file.name} imports only what its room may`, () => {
      const foreign = importsOf(file)
        .filter((specifier) => specifier.startsWith('.') && !specifier.endsWith('/package.json'))
        .filter((specifier) => ![file.room, ...allowed].includes(roomOf(file, specifier)));
      assert.deepEqual(foreign, []);
    });
  }

  it('only the listed rooms, main, runtime, obex, commands and workers exist', () => {
    const rooms = new Set(files.map(({ room }) => room));
    assert.deepEqual([...rooms].filter((room) => !Object.hasOwn(MAY_IMPORT, room)).toSorted(), [
      '',
      'commands',
      'demo',
      'workers',
    ]);
  });

  it('pure rooms import no I/O', () => {
    const impure = files
      .filter(({ room }) => PURE.includes(room))
      .flatMap((file) => importsOf(file).map((specifier) => `${file.name}: ${specifier}`))
      .filter((line) => line.includes('node:') && !COMPUTING_MODULES.some((module) => line.endsWith(module)));
    assert.deepEqual(impure, []);
  });

  it('nothing outside wire/ and demo/ touches the types of node:http', () => {
    const leaks = files
      .filter(({ room }) => room !== 'wire' && room !== 'demo')
      .filter(({ text }) => /\b(IncomingMessage|ServerResponse|undici)\b/.test(text))
      .map(({ name }) => name);
    assert.deepEqual(leaks, []);
  });

  it('only the runtime, the workers and the commands read the configuration', () => {
    const readers = files
      .filter((file) =>
        importsOf(file).some((specifier) => specifier.startsWith('.') && roomOf(file, specifier) === 'config'),
      )
      .map(({ name, room }) => (room === '' ? name.replace(/^runtime-[\w-]+/, 'runtime') : room));
    assert.deepEqual([...new Set(readers)].toSorted(), ['commands', 'config', 'obex.ts', 'runtime.ts', 'workers']);
  });

  it('the demo is reached by nothing but its own command', () => {
    const users = files
      .filter((file) => file.room !== 'demo')
      .filter((file) => importsOf(file).some((specifier) => specifier.includes('/demo/')))
      .map(({ name }) => name);
    assert.deepEqual(users, ['commands/demo.ts']);
  });

  it('Date.now is called in one file', () => {
    const callers = files
      .filter(({ room, text }) => room !== 'demo' && text.includes('Date.now('))
      .map(({ name }) => name);
    assert.deepEqual(callers, ['lib/clock.ts']);
  });

  it('files that users name are decoded after they have been read: a large pipe ended the process (Node 26.10)', () => {
    const readers = files.filter(({ room, text }) => room !== 'demo' && /\breadFile(Sync)?\([^)]*'utf-?8'/.test(text));
    assert.deepEqual(
      readers.map(({ name }) => name),
      [],
    );
  });

  it('every file says in its first line what it is for', () => {
    assert.deepEqual(
      files.filter(({ text }) => !/^\/\*\* .+/.test(text)).map(({ name }) => name),
      [],
    );
  });

  it(`no file has more than ${MAX_LINES} lines`, () => {
    const long = files.map(({ name, text }) => ({ name, lines: text.split('\n').length - 1 }));
    assert.deepEqual(
      long.filter(({ lines }) => lines > MAX_LINES),
      [],
    );
  });

  it('RFCs are cited by their current number', () => {
    const obsolete = /RFC ?(2616|7230|7231|7232|7235|2617|7159|2818|6982)\b/;
    assert.deepEqual(
      files.filter(({ text }) => obsolete.test(text)).map(({ name }) => name),
      [],
    );
  });
});
