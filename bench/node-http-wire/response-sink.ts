/** The sink of a response body: declared length, backpressure, write timeout, visible truncation. RFC 9112 §6.3, §8. */
import type { ServerResponse } from 'node:http';
import type { BodySink } from '../../src/wire/exchange.ts';
import { flushHead } from './flush-head.ts';

/** What a sink needs to know beside the response. */
export interface ResponseSinkOptions {
  /** Bytes that must come; undefined = any number. */
  readonly length: number | undefined;
  /** HEAD, 204, 304: body bytes are dropped (RFC 9110 §6.4.1). */
  readonly bodyless: boolean;
  readonly writeTimeoutMs: number;
  /** Called right before the end of the response is written. */
  onEnd(): void;
  /** Cuts the connection so that the client sees an incomplete response. */
  cut(): void;
}

/** Writes to a response whose head has been set. */
export class ResponseSink implements BodySink {
  onDrain: (() => void) | undefined;
  bytesSent = 0;
  readonly #response: ServerResponse;
  readonly #options: ResponseSinkOptions;
  #over = false;
  #headLeft = false;
  #unwritten = 0;
  #writeTimer: NodeJS.Timeout | undefined;

  constructor(response: ServerResponse, options: ResponseSinkOptions) {
    this.#response = response;
    this.#options = options;
    response.on('drain', () => this.onDrain?.());
    // An event stream's head must not wait for its first event.
    setImmediate(() => {
      if (this.#over || this.#headLeft) return;
      flushHead(response);
    });
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || this.#options.bodyless || chunk.length === 0) return true;
    this.bytesSent += chunk.length;
    if (this.#options.length !== undefined && this.bytesSent > this.#options.length) {
      this.#cut();
      return true;
    }
    this.#headLeft = true;
    this.#unwritten += 1;
    this.#watchClient();
    return this.#response.write(chunk, () => this.#onWritten());
  }

  end(): void {
    if (this.#over) return;
    const { length, bodyless } = this.#options;
    if (!bodyless && length !== undefined && this.bytesSent < length) return this.#cut();
    this.#options.onEnd();
    this.#over = true;
    this.#watchClient();
    this.#response.end();
  }

  abort(): void {
    if (!this.#over) this.#cut();
  }

  /** The response is through, or its connection is gone. */
  settle(): void {
    this.#over = true;
    clearTimeout(this.#writeTimer);
  }

  #cut(): void {
    this.settle();
    this.#options.cut();
  }

  /** Runs only while bytes wait for the client, so a quiet stream has no timer. */
  #watchClient(): void {
    this.#writeTimer ??= setTimeout(() => this.#onWriteTimeout(), this.#options.writeTimeoutMs);
  }

  #onWritten(): void {
    this.#unwritten -= 1;
    if (this.#unwritten > 0) {
      this.#writeTimer?.refresh();
    } else if (!this.#over) {
      clearTimeout(this.#writeTimer);
      this.#writeTimer = undefined;
    }
  }

  #onWriteTimeout(): void {
    // A pipelined response without a socket waits for the one before it, not for the client.
    if (this.#response.socket === null) this.#writeTimer?.refresh();
    else this.#cut();
  }
}
