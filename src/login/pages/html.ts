/** HTML that escapes whatever is put into it, in text and in quoted attributes. HTML Living Standard §13.1.2.3, §13.3. */

/** Markup that may stand as it is. Only `html` makes it, so nothing that has come as data can pass for it. */
export class Html {
  readonly #markup: string;

  constructor(strings: readonly string[], values: readonly Insert[]) {
    this.#markup = strings.reduce((before, string, index) => before + inserted(values[index - 1]) + string);
  }

  toString(): string {
    return this.#markup;
  }
}

type Insert = string | Html | readonly Html[] | undefined;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** Text is escaped, markup is not, lists are joined; undefined is nothing. Attribute values must stand in quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Insert[]): Html {
  return new Html(strings, values);
}

function escape(text: string): string {
  return text.replace(/[&<>"'`]/g, (character) => ENTITIES[character] ?? '');
}

function inserted(value: Insert): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return escape(value);
  return value instanceof Html ? value.toString() : value.join('');
}
