/** YAML text → plain values and the line of each. YAML 1.2 core schema; one document, unique keys, no custom tags. */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, type YAMLMap } from 'yaml';
import { formatPath, type Path } from './path.ts';
import { findFault } from './yaml-fault.ts';

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
  const fault = findFault(document, text);
  if (fault !== undefined) {
    const { line } = lineCounter.linePos(fault.offset);
    return { ...nothing, problems: [problem(line, `not valid YAML: ${fault.cure}`)] };
  }
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
