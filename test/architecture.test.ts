/** The rules of the house, as ARCHITECTURE.md states them, checked on the source itself. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';

const ROOT = path.join(import.meta.dirname, '..');
const SOURCE = path.join(ROOT, 'src');
const MAX_LINES = 250;

/** Which rooms a room may import from, and which files at the top of `src`; these and the rooms that are not named here may import anything. */
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
  config: ['lib', 'oauth'],
  certs: ['lib', 'wire'],
  admin: ['lib', 'observe', 'state', 'wire'],
  compose: [
    'lib',
    'oauth',
    'mcp',
    'wire',
    'observe',
    'state',
    'gate',
    'proxy',
    'login',
    'programs',
    'admin',
    'server',
    'config',
    'certs',
    'read-text-file.ts',
    'young-generation.ts',
  ],
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

/** Types and `import()` too. */
function importsOf({ text }: Pick<SourceFile, 'text'>): readonly string[] {
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

  it('only the listed rooms, main, obex, commands and workers exist', () => {
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

  it('only the composition, the workers and the commands read the configuration', () => {
    const readers = files
      .filter((file) =>
        importsOf(file).some((specifier) => specifier.startsWith('.') && roomOf(file, specifier) === 'config'),
      )
      .map(({ name, room }) => (room === '' ? name : room));
    assert.deepEqual([...new Set(readers)].toSorted(), ['commands', 'compose', 'config', 'obex.ts', 'workers']);
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

/** File → the files that it imports. */
type ImportGraph = ReadonlyMap<string, readonly string[]>;

function readImportGraph(): ImportGraph {
  const names = globSync('{src,bench,test,scripts}/**/*.ts', { cwd: ROOT, exclude: ['**/node_modules'] }).toSorted();
  const known = new Set(names);
  return new Map(
    names.map((name) => {
      const specifiers = importsOf({ text: readFileSync(path.join(ROOT, name), 'utf8') });
      const targets = specifiers
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => path.join(path.dirname(name), specifier));
      return [name, targets.filter((target) => known.has(target))];
    }),
  );
}

/** Goes depth first; an import that leads back to the trail closes a circle. Of those that share files some may not be named. */
function findCircles(graph: ImportGraph): readonly string[] {
  const circles: string[] = [];
  const trail: string[] = [];
  const done = new Set<string>();
  const follow = (file: string): void => {
    const since = trail.indexOf(file);
    if (since >= 0) circles.push([...trail.slice(since), file].join(' → '));
    if (since >= 0 || done.has(file)) return;
    trail.push(file);
    for (const target of graph.get(file) ?? []) follow(target);
    trail.pop();
    done.add(file);
  };
  for (const file of graph.keys()) follow(file);
  return circles;
}

describe('imports', () => {
  const graph = readImportGraph();

  it('are read from all code', () => {
    for (const folder of ['src/', 'bench/', 'test/', 'scripts/']) {
      assert.ok(
        [...graph].some(([name, targets]) => name.startsWith(folder) && targets.length > 0),
        folder,
      );
    }
    assert.ok(graph.get('src/main.ts')?.includes('src/signals.ts'));
  });

  it('are followed round every circle', () => {
    const circles = findCircles(
      new Map([
        ['a', ['leaf', 'b']],
        ['b', ['c', 'leaf']],
        ['c', ['b', 'd']],
        ['d', ['a', 'd']],
        ['leaf', []],
        ['outside', ['a', 'leaf']],
      ]),
    );
    assert.deepEqual(circles, ['b → c → b', 'a → b → c → d → a', 'd → d']);
  });

  it('go in no circle, those of types neither', () => assert.deepEqual(findCircles(graph), []));
});
