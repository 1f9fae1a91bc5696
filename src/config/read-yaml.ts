/** YAML text → plain values and the line of each. YAML 1.2 core schema; one document, unique keys, no custom tags. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
import { formatPath, type Path } from './path.ts';

export interface YamlProblem {
  readonly line: number | undefined;
  readonly path: string;
  readonly message: string;
}

export interface YamlText {
  readonly root: unknown;
  /** Formatted path → line, for every key and list item. */
  readonly lines: ReadonlyMap<string, number>;
  readonly problems: readonly YamlProblem[];
}

const LONGEST_TEXT = 2 ** 20;
/** An alias may repeat a value, but not blow the tree up ("billion laughs"); also ends an alias to its own parent. */
const MOST_NODES = 20_000;
const DEEPEST = 64;

/** YAML 1.2 §5.1: all but printable characters. U+FFFD stands for bytes that are no UTF-8. */
const UNPRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ufffc\u{10000}-\u{10ffff}]/u;

/** What the parser's messages leave unsaid, or would say with a piece of the file in it. */
const CURES: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias must follow its anchor and be alone on its place',
  BAD_DQ_ESCAPE: 'unknown escape sequence in a text in double quotes; write \\\\ for a backslash, or use single quotes',
  BAD_INDENT: 'wrong indentation, or a bracket that is not closed',
  BAD_SCALAR_START: 'this character cannot begin a value; put the value in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second ": " on the line, or wrong indentation; put a value that contains ": " in quotes',
  KEY_OVER_1024_CHARS: 'the key is too long; is a ":" or a quote missing?',
  MISSING_CHAR: 'something is missing: a ":" after the key, or a closing quote',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line; is the indentation right?',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab; indent with spaces',
  TAG_RESOLVE_FAILED: 'tags (!name) are not supported; write the plain value',
  UNEXPECTED_TOKEN:
    'not expected here; is a quote, a bracket or the indentation wrong? Put ${VAR} inside { } or [ ] in quotes',
};

/** Parses the text of a config file. With problems, `root` holds what could be read. */
export function readYaml(text: string): YamlText {
  const nothing = { root: {}, lines: new Map<string, number>() };
  if (Buffer.byteLength(text) > LONGEST_TEXT) {
    return { ...nothing, problems: [problem(undefined, 'is larger than 1 MiB; is this the right file?')] };
  }
  const unprintable = text.search(UNPRINTABLE);
  if (unprintable !== -1) {
    const line = text.slice(0, unprintable).split('\n').length;
    return { ...nothing, problems: [problem(line, 'holds bytes that are no text; is this the right file?')] };
  }
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, {
    lineCounter,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'silent',
  });
  const [document, second] = Array.isArray(documents) ? documents : [];
  if (document === undefined) return { ...nothing, problems: [problem(undefined, 'is empty')] };
  const faults = [...document.errors, ...document.warnings].map(({ code, pos }) =>
    problem(lineCounter.linePos(pos[0]).line, `not valid YAML: ${CURES[code] ?? 'cannot be read'}`),
  );
  // One slip makes the parser stumble several times: the first is where to look.
  if (faults.length > 0) return { ...nothing, problems: faults.slice(0, 1) };
  if (second !== undefined) {
    const line = lineCounter.linePos(second.range[0]).line;
    return { ...nothing, problems: [problem(line, 'a second YAML document ("---"); a config is one document')] };
  }
  return new TreeReader(document, lineCounter).read();
}

function problem(line: number | undefined, message: string, path = ''): YamlProblem {
  return { line, path, message };
}

class TreeReader {
  readonly #document: Document.Parsed;
  readonly #lineCounter: LineCounter;
  readonly #lines = new Map<string, number>();
  readonly #problems: YamlProblem[] = [];
  #nodes = 0;

  constructor(document: Document.Parsed, lineCounter: LineCounter) {
    this.#document = document;
    this.#lineCounter = lineCounter;
  }

  read(): YamlText {
    const root = this.#value(this.#document.contents, []) ?? {};
    if (this.#nodes <= MOST_NODES) return { root, lines: this.#lines, problems: this.#problems };
    const message = 'holds too many values; are there aliases (*name) of aliases?';
    return { root: {}, lines: new Map(), problems: [problem(undefined, message)] };
  }

  #value(node: unknown, path: Path): unknown {
    this.#nodes += 1;
    if (this.#nodes > MOST_NODES) return undefined;
    if (path.length > DEEPEST) return this.#fail(node, path.slice(0, 4), 'is nested too deeply');
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      return target === undefined
        ? this.#fail(node, path, `*${node.source} has no anchor &${node.source} before it`)
        : this.#value(target, path);
    }
    if (isScalar(node)) return node.value;
    if (isSeq(node)) return node.items.map((item, index) => this.#item(item, [...path, index]));
    return isMap(node) ? this.#map(node, path) : null;
  }

  #item(item: unknown, path: Path): unknown {
    this.#note(path, this.#lineOf(item));
    return this.#value(item, path);
  }

  #map(map: YAMLMap, path: Path): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (const { key, value } of map.items) {
      const name = isScalar(key) ? String(key.value) : undefined;
      if (name === undefined) {
        this.#fail(key, path, 'a key must be plain text');
        continue;
      }
      const place = [...path, name];
      const first = this.#lines.get(formatPath(place));
      if (entries.has(name))
        this.#fail(
          key,
          place,
          `stands twice in this map${first === undefined ? '' : ` (first in line ${first})`}; delete one`,
        );
      else {
        this.#note(place, this.#lineOf(key));
        entries.set(name, this.#value(value, place));
      }
    }
    // fromEntries makes "__proto__" a key like any other
    return Object.fromEntries(entries);
  }

  #lineOf(node: unknown): number | undefined {
    const hasRange = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
    return hasRange && node.range ? this.#lineCounter.linePos(node.range[0]).line : undefined;
  }

  #note(path: Path, line: number | undefined): void {
    if (line !== undefined) this.#lines.set(formatPath(path), line);
  }

  #fail(node: unknown, path: Path, message: string): undefined {
    this.#problems.push(problem(this.#lineOf(node), message, formatPath(path)));
  }
}
