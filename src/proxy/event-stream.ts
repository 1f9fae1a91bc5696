/** Knows where an event stream may be ended without cutting an event in two. WHATWG HTML §9.2.6. */
import type { BodySink, FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';

/** A blank line ends an event; a line ends with CR LF, LF or CR. */
const EVENT_END = /(?:\r\n|\n|\r(?!\n)){2}/;
const AT_EVENT_END = /(?:\r\n|\n|\r(?!\n)){2}$/;

/** The longest event end. */
const TAIL_BYTES = 4;
const LAST_LINE_ENDS = /[\r\n]{0,4}$/;

const ACCEPTS_EVENT_STREAM = /(?:^|,)[ \t]*text\/event-stream[ \t]*(?:$|[,;])/i;

export function isEventStream(fields: FieldLines): boolean {
  const [contentType = ''] = fieldValues(fields, 'content-type');
  return contentType.toLowerCase().startsWith('text/event-stream');
}

/** RFC 9110 §8.4: whether the bytes are those of a coding, in which an event has no end that could be seen. */
export function isCoded(fields: FieldLines): boolean {
  return fieldValues(fields, 'content-encoding').some((codings) => CODING.test(codings));
}

/** A list element that is there and is not `identity`. */
const CODING = /(?:^|,)[ \t]*(?!identity[ \t]*(?:,|$))[^ \t,]/i;

/**
 * Whether Accept names the media type, whatever its weight (RFC 9110 §12.5.1): several servers send no head before the
 * first event, which may be hours away.
 */
export function acceptsEventStream(fields: FieldLines): boolean {
  return fieldValues(fields, 'accept').some((value) => ACCEPTS_EVENT_STREAM.test(value));
}

/**
 * Passes an event stream on unchanged. After `finish` the stream is ended at the next blank line (at once, if the last
 * bytes sent were the end of an event) and its source is cancelled. A coded one is broken off instead, for an end
 * would say that it is complete.
 */
export class EventStream implements BodySink {
  readonly #sink: BodySink;
  readonly #source: { cancel(): void };
  readonly #isCoded: boolean;
  /**
   * The line ends that the bytes sent end with, and no byte before them: an event end further back is over, and the event
   * behind it has begun. The beginning of the stream is as good as the end of an event.
   */
  #tail = '\n\n';
  #finishing = false;
  #ended = false;

  constructor(sink: BodySink, source: { cancel(): void }, coded: boolean) {
    this.#sink = sink;
    this.#source = source;
    this.#isCoded = coded;
  }

  get onDrain(): (() => void) | undefined {
    return this.#sink.onDrain;
  }

  set onDrain(listener: (() => void) | undefined) {
    this.#sink.onDrain = listener;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#ended) return true;
    if (this.#isCoded) return this.#sink.write(chunk);
    if (this.#finishing) return this.#writeToBoundary(chunk);
    const tail = Buffer.from(chunk.subarray(-TAIL_BYTES)).toString('latin1');
    this.#tail = lastLineEnds(tail.length === TAIL_BYTES ? tail : this.#tail + tail);
    return this.#sink.write(chunk);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sink.end();
  }

  abort(failure: Parameters<BodySink['abort']>[0]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#sink.abort(failure);
  }

  /** Asks for the end of the stream: at the next boundary between events, at once where none can be seen. */
  finish(): void {
    if (this.#ended) return;
    if (this.#isCoded) {
      this.abort('backend_closed');
      this.#source.cancel();
      return;
    }
    this.#finishing = true;
    if (AT_EVENT_END.test(this.#tail)) this.#finish();
  }

  /** Ends the stream visibly unfinished, wherever it is. */
  cut(): void {
    this.abort('backend_closed');
    this.#source.cancel();
  }

  #writeToBoundary(chunk: Uint8Array): boolean {
    const before = this.#tail.length;
    const text = this.#tail + Buffer.from(chunk).toString('latin1');
    const end = EVENT_END.exec(text);
    if (end === null) {
      this.#tail = lastLineEnds(text);
      return this.#sink.write(chunk);
    }
    this.#sink.write(chunk.subarray(0, Math.max(0, end.index + end[0].length - before)));
    this.#finish();
    return true;
  }

  #finish(): void {
    this.#ended = true;
    this.#sink.end();
    this.#source.cancel();
  }
}

function lastLineEnds(text: string): string {
  return LAST_LINE_ENDS.exec(text.slice(-TAIL_BYTES))?.[0] ?? '';
}
