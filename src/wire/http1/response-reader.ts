/** The answer of a backend as it comes: interim heads, the head, the body. RFC 9112 §4, §6.3, §7. */
import type { Buffer } from 'node:buffer';
import type { ResponseHead } from '../exchange.ts';
import { type BodyDecoder, LengthDecoder } from './body-decoder.ts';
import { ChunkedDecoder, type ChunkedLimits } from './chunked-decoder.ts';
import { nameForeignBytes } from './foreign-bytes.ts';
import { HeadReader } from './head-reader.ts';
import { parseResponseHead, type ResponseEnd } from './response-head.ts';

export interface ResponseLimits {
  readonly maxHeaderBytes: number;
  readonly bodyLimits: ChunkedLimits;
}

/** Who hears of the parts of an answer. */
export interface ResponseReceiver {
  /** The first bytes of a head have come, but not all of it. */
  onHeadStarted(): void;
  /** An interim (1xx) response. */
  onInterim(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  /** Bytes of the body, which are only lent. */
  onData(bytes: Buffer): void;
  /** The answer is complete. `nothingBehind`: no byte of the chunk is left. */
  onComplete(end: ResponseEnd, nothingBehind: boolean): void;
  /** It is no answer that could be passed on. `problem` is for the log and holds no bytes of it. */
  onProblem(problem: string): void;
}

/** RFC 9110 §15.2: interim responses before the final one; more of them is nobody's honest answer. */
const MAX_INTERIM_RESPONSES = 64;

/** One for a connection; `expect` before each answer. */
export class ResponseReader {
  /** True from the first byte of an answer. */
  begun = false;
  readonly #receiver: ResponseReceiver;
  readonly #limits: ResponseLimits;
  #method = '';
  /** While a head is not complete. */
  #head: HeadReader | undefined = undefined;
  #interimResponses = 0;
  /** From the head to the end of the body. */
  #end: ResponseEnd | undefined = undefined;
  #decoder: BodyDecoder | undefined = undefined;

  constructor(receiver: ResponseReceiver, limits: ResponseLimits) {
    this.#receiver = receiver;
    this.#limits = limits;
  }

  /** True from the end of the head to the end of the body. */
  get inBody(): boolean {
    return this.#end !== undefined;
  }

  /** The answer to a request with this method comes next. */
  expect(method: string): void {
    this.#method = method;
    this.#interimResponses = 0;
    this.begun = false;
  }

  /** Takes bytes from `from` on, up to the end of a part; returns where it left off. */
  read(chunk: Buffer, from: number): number {
    return this.#decoder === undefined ? this.#readHead(chunk, from) : this.#readBody(this.#decoder, chunk, from);
  }

  /** The peer's FIN. True when it was the end of the answer. */
  finish(): boolean {
    const end = this.#end;
    if (end?.framing !== 'close') return false;
    this.#complete(end, false);
    return true;
  }

  #readHead(chunk: Buffer, from: number): number {
    this.begun = true;
    const maxBytes = this.#limits.maxHeaderBytes;
    const reader = this.#head ?? new HeadReader('response');
    const isFirst = !reader.started;
    const progress = reader.feed(chunk, from, { maxLineBytes: maxBytes, maxHeadBytes: maxBytes });
    this.#head = progress === 'incomplete' ? reader : undefined;
    switch (progress) {
      case 'complete':
        return this.#parseHead(reader, chunk);
      case 'incomplete':
        if (isFirst) this.#receiver.onHeadStarted();
        return chunk.length;
      case 'malformed':
        this.#receiver.onProblem(describeMalformed(isFirst ? chunk.subarray(from) : undefined));
        return chunk.length;
      case 'line_too_long':
      case 'too_large':
        this.#receiver.onProblem(`its head is larger than ${maxBytes} bytes`);
        return chunk.length;
    }
  }

  #parseHead(reader: HeadReader, chunk: Buffer): number {
    const response = parseResponseHead(reader, this.#method);
    if (typeof response === 'string') {
      this.#receiver.onProblem(response);
      return chunk.length;
    }
    const at = reader.position;
    const { head, end } = response;
    if (head.status < 200) this.#takeInterim(head);
    else this.#takeHead(head, end, at === chunk.length);
    return at;
  }

  #takeInterim(head: ResponseHead): void {
    this.#interimResponses += 1;
    // RFC 9110 §15.2.2: nobody asked for another protocol.
    if (head.status === 101) this.#receiver.onProblem('101 without Upgrade');
    else if (this.#interimResponses > MAX_INTERIM_RESPONSES) this.#receiver.onProblem('too many interim responses');
    else this.#receiver.onInterim(head);
  }

  #takeHead(head: ResponseHead, end: ResponseEnd, nothingBehind: boolean): void {
    const { framing } = end;
    this.#end = end;
    if (framing === 'chunked') this.#decoder = new ChunkedDecoder(this.#limits.bodyLimits);
    else if (framing !== 'none') {
      this.#decoder = new LengthDecoder(framing === 'length' ? (head.length ?? 0) : Number.POSITIVE_INFINITY);
    }
    this.#receiver.onHead(head);
    if (framing === 'none') this.#complete(end, nothingBehind);
  }

  #readBody(decoder: BodyDecoder, chunk: Buffer, from: number): number {
    let at = from;
    for (;;) {
      const step = decoder.next(chunk, at);
      at = decoder.position;
      if (step === 'data') this.#receiver.onData(chunk.subarray(decoder.dataStart, at));
      else {
        if (step === 'end' && this.#end !== undefined) this.#complete(this.#end, at === chunk.length);
        else if (step !== 'more') this.#receiver.onProblem('malformed chunked body');
        return at;
      }
    }
  }

  #complete(end: ResponseEnd, nothingBehind: boolean): void {
    this.#end = undefined;
    this.#decoder = undefined;
    this.#receiver.onComplete(end, nothingBehind);
  }
}

function describeMalformed(firstBytes: Buffer | undefined): string {
  const name = firstBytes === undefined ? undefined : nameForeignBytes(firstBytes);
  return name === undefined ? 'its head is malformed' : `it is ${name}`;
}
