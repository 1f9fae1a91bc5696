/** A config on its way from text to Config: the tree of plain values, where each came from, and what is wrong so far. */

import { describeValue, formatPath, isRecord, type Path, valueAt } from './path.ts';
import type { Refusal } from './refused.ts';

/** Where a path of a view stands in the whole. */
type Place = (path: Path) => Path;

/** One mistake in a config. */
export interface ConfigProblem {
  /** The file, the environment variable or the flag that holds the mistake. */
  readonly file: string;
  readonly line: number | undefined;
  /** YAML path as written in the file; empty = the whole file. */
  readonly path: string;
  /** What is wrong and what to do about it; never a secret. */
  readonly message: string;
}

/** `obex.yaml:12: idp.clock_skew: expected a duration such as "10s", got "ten"` */
export function formatProblem({ file, line, path, message }: ConfigProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return path === '' ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

export class Draft {
  readonly file: string;
  readonly warnings: string[] = [];
  /** What presets have set, and what stood in no file, a line each. */
  readonly filledIn: string[] = [];
  #problems: ConfigProblem[] = [];
  #root: unknown;
  readonly #lines: ReadonlyMap<string, number>;
  /** Sections that are written below `obex:`. */
  #nested = new Set<string>();
  /** Path → the path whose line and name stand for it (a `<key>_file` twin). */
  #standIns = new Map<string, Path>();
  /** Path → the environment variable or the flag that set it. */
  #origins = new Map<string, string>();
  /** Path → why its value is not shown. */
  #hidden = new Map<string, string>();
  #atFault = new Set<string>();
  #place: Place = (path) => path;
  #isView = false;

  constructor(file: string, root: unknown, lines: ReadonlyMap<string, number>) {
    this.file = file;
    this.#root = root;
    this.#lines = lines;
  }

  /** Another tree made of this one, whose paths stand at `place` here. What is found there is its own until it is `absorb`ed. */
  view(root: unknown, place: Place): Draft {
    const view = new Draft(this.file, root, this.#lines);
    view.#nested = new Set(this.#nested);
    view.#standIns = new Map(this.#standIns);
    view.#origins = new Map(this.#origins);
    view.#hidden = new Map(this.#hidden);
    view.#atFault = new Set(this.#atFault);
    view.#place = place;
    view.#isView = true;
    return view;
  }

  /** Takes over what a view has found; what several have found is said once. */
  absorb(view: Draft): void {
    const known = new Set(this.#problems.map(formatProblem));
    this.#problems.push(...view.#problems.filter((problem) => !known.has(formatProblem(problem))));
    for (const path of view.#atFault) this.#atFault.add(path);
    this.filledIn.push(...view.filledIn.filter((line) => !this.filledIn.includes(line)));
  }

  /** All problems: those of the file by line, then those of the environment and the command line. */
  get problems(): readonly ConfigProblem[] {
    const rank = (problem: ConfigProblem) =>
      problem.line ?? (problem.file === this.file ? 0 : Number.POSITIVE_INFINITY);
    return this.#problems.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  }

  /** Made of another one, which sees more. */
  get isView(): boolean {
    return this.#isView;
  }

  get root(): unknown {
    return this.#root;
  }

  valueAt(path: Path): unknown {
    return valueAt(this.#root, path);
  }

  replaceRoot(root: unknown): void {
    this.#root = root;
  }

  /** Sets a value, making the maps above it as needed; does nothing where there is no such item, or a text is in the way. */
  set(path: Path, value: unknown): void {
    let node = this.#root;
    for (const [index, key] of path.entries()) {
      if (Array.isArray(node) && typeof key === 'number') {
        node = node[key];
        continue;
      }
      if (!isRecord(node)) return;
      if (index === path.length - 1) node[key] = value;
      else if (!Object.hasOwn(node, key) || node[key] === null) node[key] = {};
      node = node[key];
    }
  }

  remove(path: Path): void {
    const parent = this.valueAt(path.slice(0, -1));
    const key = path.at(-1);
    if (isRecord(parent) && key !== undefined) delete parent[key];
  }

  /** Notes that a top-level section is written below `obex:`. */
  nest(section: string): void {
    this.#nested.add(section);
  }

  standIn(path: Path, written: Path): void {
    this.#standIns.set(this.#keyOf(path), this.#place(written));
  }

  noteFilledIn(path: Path, { by, value }: { readonly by: string; readonly value: string | readonly string[] }): void {
    this.filledIn.push(`by ${by}: ${this.#keyOf(path)}: ${JSON.stringify(value)}`);
  }

  /** Notes the environment variable or the flag that a value comes from. */
  noteOrigin(path: Path, origin: string): void {
    this.#origins.set(this.#keyOf(path), origin);
  }

  /** The variable or flag that set the value at this path, the list around it, or what the map there holds; else the file. */
  originOf(path: Path): string {
    const placed = this.#place(path);
    for (let length = placed.length; length > 0; length--) {
      const origin = this.#origins.get(formatPath(placed.slice(0, length)));
      if (origin !== undefined) return origin;
    }
    const isInFile = this.lineOf(path) !== undefined;
    const below = isInFile ? undefined : [...this.#origins].find(([set]) => set.startsWith(`${formatPath(placed)}.`));
    return below?.[1] ?? this.file;
  }

  /** Never show the value at this path; `reason` is what is said instead of it. */
  hide(path: Path, reason: string): void {
    this.#hidden.set(this.#keyOf(path), reason);
  }

  isHidden(path: Path): boolean {
    return path.some((_, index) => this.#hidden.has(this.#keyOf(path.slice(0, index + 1))));
  }

  /** The path as the file has it. */
  writtenPath(path: Path): Path {
    const placed = this.#place(path);
    const written = this.#standIns.get(formatPath(placed)) ?? placed;
    return this.#nested.has(String(written[0])) ? ['obex', ...written] : written;
  }

  /** The line of a path, or of the nearest map above it that stands in the file. */
  lineOf(path: Path): number | undefined {
    const written = this.writtenPath(path);
    for (let length = written.length; length > 0; length--) {
      const line = this.#lines.get(formatPath(written.slice(0, length)));
      if (line !== undefined) return line;
    }
    return undefined;
  }

  /** Whether something about this very path was reported already. */
  isAtFault(path: Path): boolean {
    return this.#atFault.has(this.#keyOf(path));
  }

  report(path: Path, message: string): void {
    const key = this.#keyOf(path);
    this.#atFault.add(key);
    const set = this.#standIns.get(key) ?? this.#place(path);
    const origin = this.originOf(set);
    if (origin === this.file) this.reportAt(this.lineOf(path), formatPath(this.writtenPath(path)), message);
    else this.reportOrigin(origin, formatPath(set), message);
  }

  /** Keeps `report`ed problems of this path to one: what is wrong with it is said elsewhere. */
  blame(path: Path): void {
    this.#atFault.add(this.#keyOf(path));
  }

  /** Reports an environment variable or a flag. `path` is empty where the name says which value is meant. */
  reportOrigin(origin: string, path: string, message: string): void {
    this.#problems.push({ file: origin, line: undefined, path, message });
  }

  reportAt(line: number | undefined, path: string, message: string): void {
    this.#problems.push({ file: this.file, line, path, message });
  }

  /** Reports what was expected, what came (unless that must stay hidden), and what to do. */
  reportRefusal(path: Path, { message, got, cure }: Refusal): void {
    const hidden = this.#hidden.get(this.#keyOf(path));
    const shown = got === undefined ? '' : `, got ${hidden ?? describeValue(got.value)}`;
    // A cure may quote the value.
    this.report(path, `${message}${shown}${cure === undefined || hidden !== undefined ? '' : `; ${cure}`}`);
  }

  #keyOf(path: Path): string {
    return formatPath(this.#place(path));
  }
}
