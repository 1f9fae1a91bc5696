/** A second reader of JSON: recursive descent, every member kept in order, nothing shared with the one under test. RFC 8259. */

export type Node =
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Node])[] }
  | { readonly kind: 'array'; readonly items: readonly Node[] }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: true | false | null };

export type Flaw = 'duplicate' | 'backslash' | 'surrogate' | 'overflow' | 'rounded' | 'depth';

const LITERALS: readonly (readonly [string, true | false | null])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;

class SecondReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): Node {
    const node = this.#value();
    this.#space();
    if (this.#at !== this.#text.length) throw new SyntaxError('trailing data');
    return node;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] ?? 'x')) this.#at += 1;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #need(token: string): void {
    if (!this.#take(token)) throw new SyntaxError(`expected ${token} at ${this.#at}`);
  }

  #value(): Node {
    this.#space();
    if (this.#take('{')) return { kind: 'object', members: this.#list('}', () => this.#member()) };
    if (this.#take('[')) return { kind: 'array', items: this.#list(']', () => this.#value()) };
    if (this.#take('"')) return { kind: 'string', text: this.#string() };
    for (const [token, value] of LITERALS) if (this.#take(token)) return { kind: 'literal', value };
    NUMBER.lastIndex = this.#at;
    const text = NUMBER.exec(this.#text)?.[0];
    if (text === undefined) throw new SyntaxError(`no value at ${this.#at}`);
    this.#at += text.length;
    return { kind: 'number', text };
  }

  #list<Item>(close: string, item: () => Item): Item[] {
    const items: Item[] = [];
    this.#space();
    if (this.#take(close)) return items;
    do {
      items.push(item());
      this.#space();
    } while (this.#take(','));
    this.#need(close);
    return items;
  }

  #member(): readonly [string, Node] {
    this.#space();
    this.#need('"');
    const name = this.#string();
    this.#space();
    this.#need(':');
    return [name, this.#value()];
  }

  #string(): string {
    let text = '';
    for (;;) {
      const unit = this.#text[this.#at];
      this.#at += 1;
      if (unit === undefined || unit < ' ') throw new SyntaxError(`no end of a string at ${this.#at}`);
      if (unit === '"') return text;
      text += unit === '\\' ? this.#escape() : unit;
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at] ?? '';
    this.#at += 1;
    if (letter !== 'u') {
      const unit = ESCAPES[letter];
      if (unit === undefined) throw new SyntaxError(`no escape at ${this.#at}`);
      return unit;
    }
    const digits = this.#text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new SyntaxError(`no escape at ${this.#at}`);
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }
}

/** Throws for what is not JSON in UTF-8. */
export function readSecond(bytes: Uint8Array): Node {
  return new SecondReader(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)).readAll();
}

/** Everything for which two decoders could read a text in two ways. */
export function flawsOf(node: Node, depth = 0): ReadonlySet<Flaw> {
  const flaws = new Set<Flaw>();
  const add = (inner: Node) => flawsOf(inner, depth + 1).forEach((flaw) => flaws.add(flaw));
  switch (node.kind) {
    case 'object': {
      const names = node.members.map(([name]) => name);
      if (new Set(names).size < names.length) flaws.add('duplicate');
      if (names.includes('\\')) flaws.add('backslash');
      if (names.some(hasLoneSurrogate)) flaws.add('surrogate');
      if (depth >= 64) flaws.add('depth');
      node.members.forEach(([, value]) => add(value));
      break;
    }
    case 'array':
      if (depth >= 64) flaws.add('depth');
      node.items.forEach(add);
      break;
    case 'string':
      if (hasLoneSurrogate(node.text)) flaws.add('surrogate');
      break;
    case 'number':
      if (!Number.isFinite(Number(node.text))) flaws.add('overflow');
      else if (isRounded(node.text)) flaws.add('rounded');
      break;
    case 'literal':
      break;
  }
  return flaws;
}

/** Only a text with one cannot be written in UTF-8 and read back. */
function hasLoneSurrogate(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') !== text;
}

/** An integer that is another one once it has been a double and a text again. */
function isRounded(text: string): boolean {
  if (!/^-?[0-9]+$/.test(text)) return false;
  const exact = BigInt(text);
  return (exact > 2n ** 53n - 1n || exact < 1n - 2n ** 53n) && `${Number(text)}` !== exact.toString();
}

/** What a decoder makes of it that keeps the last of two names. */
export function valueOf(node: Node): unknown {
  switch (node.kind) {
    case 'object': {
      const object: Record<string, unknown> = {};
      for (const [name, value] of node.members) {
        Object.defineProperty(object, name, {
          value: valueOf(value),
          enumerable: true,
          writable: true,
          configurable: true,
        });
      }
      return object;
    }
    case 'array':
      return node.items.map(valueOf);
    case 'string':
      return node.text;
    case 'number':
      return Number(node.text);
    case 'literal':
      return node.value;
  }
}
