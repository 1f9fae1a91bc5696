/** The `endpoint` event of MCP 2024-11-05, which tells a client where to post: translated, or the stream ends. WHATWG HTML §9.2.6. */
import type { BodySink } from '../wire/exchange.ts';

/** Why a stream ends before its endpoint event is complete. */
export type EndpointFault = 'elsewhere' | 'outside' | 'too_long' | 'not_one_line';

export interface EndpointEventsOptions {
  readonly sink: BodySink;
  /** What the client is told instead of the reference that stands in the event. */
  translate(reference: string): { readonly reference: string } | { readonly fault: EndpointFault };
  /** The stream must end now, visibly unfinished; nothing more is written to `sink`. */
  onFault(fault: EndpointFault, reference: string): void;
}

const LINE_END = /\r\n?|\n/g;
const MARK = Buffer.from('\ufeff').toString('latin1');
const NAMES = ['event:endpoint', 'event: endpoint'];
const DATA = /^(data: ?)(.*)$/s;

/** As long as the request line may be that the client makes of it. */
const MAX_LINE_BYTES = 8 * 1024;

/**
 * Passes an event stream on unchanged but for the data of endpoint events; of a line no more is held than must be. A client
 * acts on an event at the blank line behind it, so one that cannot be translated is held back by ending the stream.
 */
export class EndpointEvents implements BodySink {
  readonly #options: EndpointEventsOptions;
  /** The beginning of the current line (latin1), as long as it may be one that matters. */
  #held = '';
  /** The rest of the current line does not matter. */
  #isPassing = false;
  #isFirstLine = true;
  /** Of the current event. */
  #isEndpoint = false;
  #hasData = false;
  /** A line feed that comes now belongs to a line end that has begun. */
  #afterReturn = false;
  #ended = false;

  constructor(options: EndpointEventsOptions) {
    this.#options = options;
  }

  get onDrain(): (() => void) | undefined {
    return this.#options.sink.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#options.sink.onDrain = listener;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended || chunk.length === 0) return true;
    const passed = this.#pass(Buffer.from(chunk).toString('latin1'));
    return this.#ended || passed === '' || this.#options.sink.write(Buffer.from(passed, 'latin1'));
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    // An event without a blank line behind it is none; half an endpoint is not even shown.
    if (this.#held !== '' && !this.#isEndpoint) this.#options.sink.write(Buffer.from(this.#held, 'latin1'));
    this.#options.sink.end();
  }

  abort(failure: Parameters<BodySink['abort']>[0]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.sink.abort(failure);
  }

  #pass(chunk: string): string {
    const text = this.#held + chunk;
    this.#held = '';
    let at = this.#afterReturn && text.startsWith('\n') ? 1 : 0;
    this.#afterReturn = text.endsWith('\r');
    let passed = text.slice(0, at);
    for (;;) {
      LINE_END.lastIndex = at;
      const end = LINE_END.exec(text);
      const line = text.slice(at, end?.index);
      if (end === null) return passed + this.#passBeginning(line);
      passed += (this.#isPassing ? line : this.#passLine(line)) + end[0];
      if (this.#ended) return '';
      this.#isPassing = false;
      this.#isFirstLine = false;
      at = end.index + end[0].length;
    }
  }

  /** A line whose end is still to come. */
  #passBeginning(line: string): string {
    if (this.#isPassing || line === '') return line;
    const bare = this.#withoutMark(line);
    const isEndpointData = this.#isEndpoint && bare.startsWith('data:');
    if (isEndpointData && bare.length > MAX_LINE_BYTES) return this.#fail('too_long', '');
    if (isEndpointData || ['data:', ...NAMES].some((name) => name.startsWith(bare))) {
      this.#held = line;
      return '';
    }
    if (bare.startsWith('event:')) this.#isEndpoint = false;
    if (bare.startsWith('data:')) this.#hasData = true;
    this.#isPassing = true;
    return line;
  }

  #passLine(line: string): string {
    const bare = this.#withoutMark(line);
    if (bare === '') {
      this.#isEndpoint = false;
      this.#hasData = false;
    } else if (NAMES.includes(bare)) {
      // What was passed as the data of another event would be that of this one.
      if (this.#hasData) return this.#fail('not_one_line', '');
      this.#isEndpoint = true;
    } else if (bare === 'event' || bare.startsWith('event:')) {
      this.#isEndpoint = false;
    } else if (bare === 'data' || bare.startsWith('data:')) {
      return this.#passData(line);
    }
    return line;
  }

  #passData(line: string): string {
    // A client joins the lines, and its URL parser takes out what they were joined by.
    if (this.#isEndpoint && this.#hasData) return this.#fail('not_one_line', '');
    this.#hasData = true;
    const [, name = '', value = ''] = DATA.exec(line) ?? [];
    if (!this.#isEndpoint || name === '') return line;
    if (line.length > MAX_LINE_BYTES) return this.#fail('too_long', '');
    const reference = Buffer.from(value, 'latin1').toString('utf8');
    const outcome = this.#options.translate(reference);
    if ('fault' in outcome) return this.#fail(outcome.fault, reference);
    return name + Buffer.from(outcome.reference, 'utf8').toString('latin1');
  }

  /** One at the beginning of the stream is no part of its first line. */
  #withoutMark(line: string): string {
    if (!this.#isFirstLine) return line;
    return MARK.startsWith(line) ? '' : line.startsWith(MARK) ? line.slice(MARK.length) : line;
  }

  #fail(fault: EndpointFault, reference: string): '' {
    this.#ended = true;
    this.#options.onFault(fault, reference);
    return '';
  }
}
