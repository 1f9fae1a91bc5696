/** Fetches one JSON document with a deadline, a size limit and no redirects: JWK Sets and issuer metadata. RFC 9110 §9.3.1. */
import { rawPath } from '../lib/raw-path.ts';
import { errorField } from '../observe/log.ts';
import type { BackendFailure, BackendReceiver } from '../wire/backend.ts';
import { createBackendClient } from '../wire/engine.ts';
import { type BodySink, NO_BODY, type ResponseHead } from '../wire/exchange.ts';

export interface FetchLimits {
  /** From the look-up of the name to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Fetching failed: no connection, no 200, too slow, too large, or not JSON. The message names the URL and what was wrong. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

const MAX_HEADER_BYTES = 16 * 1024;

/** GETs `url` and parses the body as JSON. Rejects with FetchError; anything but a complete 200 is one. */
export async function fetchJson(url: string, limits: FetchLimits): Promise<unknown> {
  try {
    return parseJson(await fetchBody(new URL(url), limits));
  } catch (error) {
    // A query may hold an API key.
    throw new FetchError(`GET ${rawPath(url)}: ${errorField(error)}`, { cause: error });
  }
}

function parseJson(bytes: Buffer): unknown {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error('expected JSON', { cause: error });
  }
}

/** By a connection of its own. */
async function fetchBody(url: URL, limits: FetchLimits): Promise<Buffer> {
  const { timeoutMs } = limits;
  const answer = new Answer(url, limits);
  const client = createBackendClient({
    url,
    connectTimeoutMs: timeoutMs,
    headTimeoutMs: timeoutMs,
    maxIdleConnections: 0,
    maxHeaderBytes: MAX_HEADER_BYTES,
    ca: undefined,
    onBug: (error) => answer.onBug(error),
  });
  const fields = ['Host', url.host, 'Accept', 'application/json, application/jwk-set+json'];
  const target = `${url.pathname}${url.search}`;
  const request = { method: 'GET', target, fields, commonLines: 'Connection: close\r\n' };
  const call = client.send(request, NO_BODY, answer);
  client.close();
  const timer = setTimeout(() => answer.onTimeout(), timeoutMs);
  try {
    return await answer.body;
  } finally {
    clearTimeout(timer);
    call.cancel();
  }
}

class Answer implements BackendReceiver, BodySink {
  onDrain: (() => void) | undefined = undefined;
  readonly #url: URL;
  readonly #limits: FetchLimits;
  readonly #whole = Promise.withResolvers<Buffer>();
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(url: URL, limits: FetchLimits) {
    this.#url = url;
    this.#limits = limits;
  }

  get body(): Promise<Buffer> {
    return this.#whole.promise;
  }

  onInformational(): void {
    // The final response is still to come.
  }

  onHead({ status }: ResponseHead): BodySink {
    if (status !== 200) this.#fail(`expected status 200, got ${status}`);
    return this;
  }

  onFailure(failure: BackendFailure, cause: Error | undefined): void {
    if (failure === 'backend_timeout') this.onTimeout();
    else if (failure === 'backend_protocol_error') this.#fail(`the answer is not valid HTTP/1.1: ${describe(cause)}`);
    // OpenSSL's own words are of no use: the first bytes were no TLS record.
    else if (/:SSL routines:.*(wrong version number|packet length too long)/.test(cause?.message ?? '')) {
      this.#fail(`${this.#url.host} speaks no TLS; is it http?`);
    } else if (cause !== undefined) this.#whole.reject(cause);
    else this.#fail('the connection was closed without an answer');
  }

  onBug(error: unknown): void {
    this.#whole.reject(error);
  }

  onTimeout(): void {
    this.#fail(`no complete answer in ${this.#limits.timeoutMs} ms`);
  }

  write(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    const { maxBytes } = this.#limits;
    if (this.#bytes > maxBytes) this.#fail(`answer is larger than ${maxBytes} bytes`);
    else this.#chunks.push(chunk);
    return true;
  }

  end(): void {
    this.#whole.resolve(Buffer.concat(this.#chunks));
  }

  abort(): void {
    this.#fail('the answer broke off, or is chunked wrongly');
  }

  #fail(problem: string): void {
    this.#whole.reject(new Error(problem));
  }
}

/** What the engine has against the answer, in words. */
function describe(cause: Error | undefined): string {
  if (cause === undefined) return 'it ends within its head';
  if (cause.message === 'malformed') return 'its head is malformed';
  if (/^(too_large|line_too_long)$/.test(cause.message)) return `its head is larger than ${MAX_HEADER_BYTES} bytes`;
  return cause.message;
}
