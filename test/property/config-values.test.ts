/** Any YAML value in any place of a config: it is taken, or refused with a line that says where. Nothing is thrown. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LEAVES, SECTIONS } from '../../src/config/catalogue.ts';
import { OVERRIDES } from '../../src/config/environment.ts';
import { formatProblem, loadConfig } from '../../src/config/load.ts';
import { formatEffectiveConfig } from '../../src/config/mask.ts';
import { packConfig } from '../../src/config/portable.ts';

fc.configureGlobal({ seed: 20_261_130 });

const HOLE = 'HOLE';
/** What nothing but text with these keys can be made into a text, a number or a key of. */
const ODD_KEYS = [
  'toString',
  'valueOf',
  'constructor',
  '__proto__',
  'hasOwnProperty',
  'toJSON',
  'then',
  'length',
  'path',
];
const ODD_MAPS = ODD_KEYS.flatMap((key) => [`{ ${key}: 1 }`, `{ ${key}: { a: 1 } }`, `[{ ${key}: 1 }]`]);
const ODD_WORDS =
  '[] [[[]]] [~] {} ~ "" true .nan .inf -.inf -0 0 -1 1e400 1e-400 99999999999999999999999 0x7fffffffffffffff 0o777 ' +
  '1_000 0.1 2026-01-01 2026-01-01T00:00:00Z 12:30:45 "\\0" "\\ud800" "\\u2028" "${" "${__proto__:-x}" "http://[" ' +
  '"redis://%zz@a" "unix:" ":99999999999" "[::1" "9999h9999m" "9e9MB"';
const ODD_VALUES: readonly string[] = [
  ...ODD_MAPS,
  ...ODD_WORDS.split(' '),
  '{ toString: 1, valueOf: 1 }',
  '{ __proto__: { toString: 1 }, constructor: { prototype: 1 } }',
  '{ a: {} }',
  '"http://a b"',
  `"${'x'.repeat(100_000)}"`,
  `[${'1, '.repeat(1000)}]`,
  `${'['.repeat(60)}${']'.repeat(60)}`,
];

/** A complete config of phase 3 as YAML, with `value` at the path. */
function configWith(path: readonly string[], value: string): string {
  const issuer = 'https://auth.example/';
  const root: Record<string, unknown> = {
    obex: { public_url: 'https://tool.example' },
    backend: { url: 'http://localhost:9090' },
    resource: { url: 'https://tool.example/mcp' },
    idp: { issuer, additional_issuers: [{ issuer: `${issuer}2` }] },
    dpop: { enabled: true },
  };
  place(root, path);
  return JSON.stringify(root).replace(`"${HOLE}"`, () => value);
}

function place(tree: Record<string, unknown>, [key = '', ...rest]: readonly string[]): void {
  if (rest.length === 0) return void (tree[key] = HOLE);
  if (rest.length === 1 && rest[0] === '[]') return void (tree[key] = [HOLE]);
  const list = rest[0] === '[]';
  const inner: Record<string, unknown> = {};
  const before: unknown = tree[key];
  const kept: unknown = list && Array.isArray(before) ? before[0] : before;
  if (typeof kept === 'object' && kept !== null) Object.assign(inner, kept);
  place(inner, list ? rest.slice(1) : rest);
  tree[key] = list ? [inner] : inner;
}

/** Asserts that it loads or is refused, and that whatever comes of it can be printed and handed to another thread. */
function judge(text: string, env: Readonly<Record<string, string>> = {}): void {
  const readFile = (): string => 'a secret of at least thirty-two characters';
  const outcome = loadConfig({ file: 'obex.yaml', text, env, readFile });
  if ('problems' in outcome) {
    assert.ok(outcome.problems.length > 0);
    for (const problem of outcome.problems) assert.match(formatProblem(problem), /^[^\n]+: [^\n]+$/);
    return;
  }
  assert.ok(formatEffectiveConfig(outcome.config).length > 0);
  structuredClone(packConfig(outcome.config));
}

const places = [
  ...LEAVES.flatMap(({ path, info }) => (info.secret ? [path, twin(path)] : [path])),
  ...LEAVES.filter(({ info }) => info.kind === 'list').map(({ path }) => [...path, '[]']),
  ...SECTIONS.map(({ path }) => path).filter((path) => path.length > 0),
  ['backend', 'headers', 'X-Key'],
  ['backend', 'headers', 'X-Key_file'],
  ['backend', 'headers', '__proto__'],
];

function twin(path: readonly string[]): readonly string[] {
  return [...path.slice(0, -1), `${path.at(-1)}_file`];
}

function judgeOrName(path: readonly string[], value: string): void {
  try {
    judge(configWith(path, value));
  } catch (cause) {
    throw new Error(`${path.join('.')}: ${value.slice(0, 100)}`, { cause });
  }
}

describe('a config with an odd value', () => {
  for (const path of places) {
    it(`at ${path.join('.')} loads or is refused, and nothing is thrown`, () => {
      for (const value of ODD_VALUES) judgeOrName(path, value);
    });
  }

  it('of any shape, anywhere, loads or is refused', () => {
    const key = fc.oneof(fc.constantFrom(...ODD_KEYS), fc.string({ maxLength: 5 }));
    const { value: anyValue } = fc.letrec((tie) => ({
      scalar: fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.boolean(), fc.constant(null)),
      value: fc.oneof(
        tie('scalar'),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(fc.constantFrom(...places), anyValue, (path, value) =>
        judge(configWith(path, JSON.stringify(value) ?? '~')),
      ),
      { numRuns: 2000 },
    );
  });

  it('in a variable loads or is refused', () => {
    const text = configWith(['log', 'level'], 'info');
    const values = ODD_VALUES.filter((value) => value !== '""').map((value) => value.replaceAll('"', ''));
    for (const variable of OVERRIDES.keys()) for (const value of values) judge(text, { [variable]: value });
  });

  it('for the whole file is refused', () => {
    for (const value of ODD_VALUES) judge(value);
    for (const value of ODD_VALUES) judge(`obex: ${value}\n`);
  });
});
