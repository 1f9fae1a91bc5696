/** Fetches one JSON document with a deadline, a size limit and no redirects: JWK Sets and issuer metadata. RFC 9110 §9.3.1. */
import type { Socket } from 'node:net';
import { rawPath } from '../lib/raw-path.ts';
import { VERSION } from '../lib/version.ts';
import { errorField } from '../observe/log.ts';
import { type BackendCall, type BackendFailure, type BackendReceiver, UntrustedCertificate } from '../wire/backend.ts';
import { createBackendClient, openTunnel } from '../wire/engine.ts';
import { type BodySink, type FieldLines, NO_BODY, type ResponseHead } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { findEgressProxy } from './egress-proxy.ts';

export interface FetchOptions {
  /** From the look-up of the name to the last byte; a proxy on the way may take as long again. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** PEM bundle that replaces the public authorities; undefined = those. */
  readonly ca?: string | undefined;
}

/** Fetching failed: no connection, no 200, too slow, too large, or not JSON. The message names the URL and what was wrong. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

const MAX_HEADER_BYTES = 16 * 1024;
const LONGEST_EVIDENCE = 200;
const TRUST_CURE = 'let tls.ca_file of this issuer name the PEM file of that authority';

/** Firewalls in front of IdPs refuse requests without User-Agent; a coding would be one more thing to bound and to undo. */
const REQUEST_FIELDS = [
  'Accept',
  'application/json, application/jwk-set+json',
  'Accept-Encoding',
  'identity',
  'User-Agent',
  `obex/${VERSION}`,
];

/** GETs `url` and parses the body as JSON. Rejects with FetchError; anything but a complete 200 is one. */
export async function fetchJson(url: string, options: FetchOptions): Promise<unknown> {
  try {
    return parseJson(await fetchBody(new URL(url), options));
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
async function fetchBody(url: URL, options: FetchOptions): Promise<Buffer> {
  const { timeoutMs } = options;
  const proxy = findEgressProxy(url);
  const tunnel = proxy && (await openTunnel({ proxy, target: url, timeoutMs }));
  const answer = new Answer(url, options);
  const timer = setTimeout(() => answer.onTimeout(), timeoutMs);
  const call = sendRequest(url, options, { tunnel, answer });
  try {
    return await answer.body;
  } finally {
    clearTimeout(timer);
    call.cancel();
  }
}

function sendRequest(
  url: URL,
  { timeoutMs, ca }: FetchOptions,
  { tunnel, answer }: { tunnel: Socket | undefined; answer: Answer },
): BackendCall {
  const client = createBackendClient({
    url,
    connectTimeoutMs: timeoutMs,
    headTimeoutMs: timeoutMs,
    maxIdleConnections: 0,
    maxHeaderBytes: MAX_HEADER_BYTES,
    ca,
    tunnel,
    onBug: (error) => answer.onBug(error),
  });
  const fields = ['Host', url.host, ...REQUEST_FIELDS];
  const target = `${url.pathname}${url.search}`;
  const call = client.send({ method: 'GET', target, fields, commonLines: 'Connection: close\r\n' }, NO_BODY, answer);
  client.close();
  return call;
}

class Answer implements BackendReceiver, BodySink {
  onDrain: (() => void) | undefined = undefined;
  readonly #url: URL;
  readonly #options: FetchOptions;
  readonly #whole = Promise.withResolvers<Buffer>();
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(url: URL, options: FetchOptions) {
    this.#url = url;
    this.#options = options;
  }

  get body(): Promise<Buffer> {
    return this.#whole.promise;
  }

  onInformational(): void {
    // The final response is still to come.
  }

  onHead({ status, fields }: ResponseHead): BodySink {
    const coding = fieldValues(fields, 'content-encoding').join(', ');
    if (status !== 200) this.#fail(`expected status 200, got ${status}${redirection(fields)}`);
    else if (!/^(identity)?$/i.test(coding)) {
      this.#fail(`the body is encoded (${evidence(coding)}) although only identity was asked for`);
    }
    return this;
  }

  onFailure(failure: BackendFailure, cause: Error | undefined): void {
    if (failure === 'backend_timeout') this.onTimeout();
    else if (cause instanceof UntrustedCertificate) {
      this.#fail(`${this.#url.host}: ${cause.message}; ${TRUST_CURE}`);
    } else this.#whole.reject(cause ?? new Error(failure));
  }

  onBug(error: unknown): void {
    this.#whole.reject(error);
  }

  onTimeout(): void {
    this.#fail(`no complete answer in ${this.#options.timeoutMs} ms`);
  }

  write(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    const { maxBytes } = this.#options;
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

/** Where a redirect, which is not followed, would have led. */
function redirection(fields: FieldLines): string {
  const [location] = fieldValues(fields, 'location');
  return location === undefined ? '' : `, a redirect to ${evidence(rawPath(location))}; configure that URL itself`;
}

function evidence(text: string): string {
  return text.slice(0, LONGEST_EVIDENCE);
}
