/** What the reader of the YAML text refuses, and where it says that the mistake is. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accept, minimal, reject } from './loading.ts';

describe('YAML', () => {
  const broken: Readonly<Record<string, readonly [text: string, problem: string]>> = {
    'an empty file': ['', 'obex.yaml: is empty'],
    'a file of comments': ['# nothing\n', 'obex.yaml: is empty'],
    'a text': ['just text', 'obex.yaml: expected a map of sections (obex:, backend:, resource:, …), got "just text"'],
    'a list': ['- a\n', 'obex.yaml: expected a map of sections (obex:, backend:, resource:, …), got a list'],
    'a second ": "': [
      'obex:\n  public_url: a: b\n',
      'obex.yaml:2: not valid YAML: a second ": " on the line, or wrong indentation; put a value that contains ": " in quotes',
    ],
    'a tab': ['obex:\n\tlisten: x\n', 'obex.yaml:2: not valid YAML: a tab; indent with spaces'],
    'an open quote': [
      'a: 1\nb: "x\n',
      'obex.yaml:2: not valid YAML: something is missing: a ":" after the key, or a closing quote',
    ],
    'a custom tag': [
      'a: 1\nb: !js x\n',
      'obex.yaml:2: not valid YAML: tags (!name) are not supported; write the plain value',
    ],
    'a second document': ['a: 1\n---\nb: 2\n', 'obex.yaml:2: a second YAML document ("---"); a config is one document'],
    // CVE-2026-33532: a parser that recurses without bound dies on this one
    'brackets without end': ['['.repeat(50_000), 'obex.yaml:1: not valid YAML: nested too deeply'],
    'a file of more than 1 MiB': [
      `#${' '.repeat(2 ** 20)}`,
      'obex.yaml: is larger than 1 MiB; is this the right file?',
    ],
  };
  for (const [name, [text, problem]] of Object.entries(broken)) {
    it(`refuses ${name}`, () => assert.deepEqual(reject(text), [problem]));
  }

  // Where the parser notices a slip is often another line.
  const slips: Readonly<Record<string, readonly [text: string, line: number]>> = {
    'a key with a space too few': ['obex:\n  public_url: x\n listen: y\n', 3],
    'a key with a space too many': ['obex:\n  tls:\n    enabled: true\n   cert_file: x\n  listen: y\n', 4],
    'a key with a space too few, below a comment': ['obex:\n  listen: x\n\n # why\n public_url: y\n', 5],
    'a key below a value': ['obex:\n  listen: x\n    public_url: y\n', 3],
    'a key below a value of several lines': ['obex:\n  listen: x\n   y\n    public_url: z\n', 4],
    'a list that stands left of its key': ['resource:\n  audiences:\n - a\n', 3],
    'an open bracket': ['resource:\n  audiences: [a, b\nbackend:\n  url: x\n', 2],
    'an open bracket behind a quoted key': ['"obex":\n  tls: { enabled: true,\n    cert_file: x\n  listen: y\n', 2],
    'an open quote that swallows the rest': ["obex:\n  listen: 'x\n  public_url: y\n", 2],
    'an open quote below a quoted key': ['"obex":\n  tls: { cert_file: "x }\n  listen: y\n', 2],
    'a wrong indentation below a quoted key': ['"obex":\n  listen: "x"\n public_url: y\n', 3],
    'a key without ":"': ['obex:\n  listen: x\nbackend\n  url: y\n', 3],
  };
  for (const [name, [text, line]] of Object.entries(slips)) {
    it(`points at ${name}`, () => {
      const places = reject(text).map((problem) => problem.split(': ').slice(0, 2));
      assert.deepEqual(places, [[`obex.yaml:${line}`, 'not valid YAML']]);
    });
  }

  it('refuses a file that is no text, and shows none of it', () => {
    const problem = (line: number) => [`obex.yaml:${line}: holds bytes that are no text; is this the right file?`];
    assert.deepEqual(reject('\u007fELF\u0002\u0001\u0000'), problem(1));
    assert.deepEqual(reject('obex:\n  listen: \u001b[31m\n'), problem(2));
    assert.deepEqual(reject(Buffer.from([0x61, 0x3a, 0x20, 0xff]).toString('utf8')), problem(1));
    assert.deepEqual(reject('a: \u009b31m\n'), problem(1));
  });

  it('takes a byte order mark, CR LF, and letters of any script', () => {
    const text = `\ufeff${minimal('# Zürich, 東京 🚪\n')}`.replaceAll('\n', '\r\n');
    assert.equal(accept(text).phase, 1);
  });

  it('lets no escaped control character reach the terminal', () => {
    assert.match(
      reject(minimal('log: { level: "\\e[31m\\x9b\\x7f\\L" }\n'))[0] ?? '',
      /got "\\u001b\[31m\\u009b\\u007f\\u2028"$/,
    );
    assert.match(reject(minimal('"\\x9b": 1\n'))[0] ?? '', /^obex\.yaml:7: \["\\u009b"\]: unknown key;/);
  });

  it('refuses a key that stands twice, and reads on', () => {
    assert.deepEqual(reject(minimal('log:\n  level: info\n  level: debug\n  acces: all\n')), [
      'obex.yaml:9: log.level: stands twice in this map (first in line 8); delete one',
      'obex.yaml:10: log.acces: unknown key; did you mean access?',
    ]);
  });

  it('refuses aliases of aliases of aliases', () => {
    const levels = ['a', 'b', 'c', 'd', 'e', 'f'].map((name, index, names) => {
      const item = index === 0 ? 'x' : `*${names[index - 1]}`;
      return `${name}: &${name} [${Array.from({ length: 10 }, () => item).join(', ')}]`;
    });
    assert.deepEqual(reject(levels.join('\n')), [
      'obex.yaml: holds too many values; are there aliases (*name) of aliases?',
    ]);
  });

  it('refuses an alias of its own parent', () => {
    assert.ok(reject(minimal('log: &log\n  level: *log\n')).some((line) => line.includes('is nested too deeply')));
  });

  it('refuses an alias without anchor', () => {
    assert.deepEqual(reject(minimal('log:\n  level: *nope\n')), [
      'obex.yaml:8: log.level: *nope has no anchor &nope before it',
    ]);
  });

  it('takes a plain alias', () => {
    const { config } = accept(`${minimal()}  scopes_supported: &scopes [mcp:read]
idp:
  issuer: "https://auth.example/"
authz:
  required_scopes: *scopes
`);
    assert.deepEqual(config.servers[0].authz.required_scopes, ['mcp:read']);
  });

  it('takes __proto__ for a key that nobody knows', () => {
    const [problem = ''] = reject(minimal('__proto__: { level: debug }\n'));
    assert.match(problem, /^obex\.yaml:7: __proto__: unknown key;/);
  });
});
