/** Asks an issuer for one JSON document, with a deadline, a size limit and no redirects. RFC 9110 §9.3.1, §9.3.3. */
import type { Socket } from 'node:net';
import { rawPath } from '../lib/raw-path.ts';
import { VERSION } from '../lib/version.ts';
import { errorField } from '../observe/log.ts';
import { type BackendCall, type BackendFailure, type BackendReceiver, UntrustedCertificate } from '../wire/backend.ts';
import { createBackendClient, openTunnel } from '../wire/engine.ts';
import { type BodySink, type FieldLines, NO_BODY, type RequestBody, type ResponseHead } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { findEgressProxy } from './egress-proxy.ts';

export interface FetchOptions {
  /** From the look-up of the name to the last byte; a proxy on the way may take as long again. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** PEM bundle that replaces the public authorities; undefined = those. */
  readonly ca?: string | undefined;
  /** IP address to connect to, also through a proxy; undefined = one of the name. */
  readonly address?: string | undefined;
}

/** Fetching failed: no connection, no 200, too slow, too large, or not JSON. The message names the URL and what was wrong. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

/** The cause of a `FetchError` when there was an answer, and it was no 200. */
export class UnexpectedStatus extends Error {
  override readonly name = 'UnexpectedStatus';
  readonly status: number;
  /** The field of that name as it came (RFC 9110 §10.2.3). */
  readonly retryAfter: string | undefined;

  constructor({ status, fields }: ResponseHead) {
    super(`expected status 200, got ${status}${redirection(fields)}`);
    this.status = status;
    [this.retryAfter] = fieldValues(fields, 'retry-after');
  }
}

/** A form, as `application/x-www-form-urlencoded` writes it, and who sends it. */
export interface Form {
  /** The value of the Authorization field. */
  readonly authorization: string;
  readonly text: string;
}

const MAX_HEADER_BYTES = 16 * 1024;
const LONGEST_EVIDENCE = 200;
const TRUST_CURE = 'let tls.ca_file of this issuer name the PEM file of that authority';

/** Firewalls in front of IdPs refuse requests without User-Agent; a coding would be one more thing to bound and to undo. */
const REQUEST_FIELDS = ['Accept-Encoding', 'identity', 'User-Agent', `obex/${VERSION}`];
const GET_FIELDS = ['Accept', 'application/json, application/jwk-set+json'];
const FORM_FIELDS = ['Accept', 'application/json', 'Content-Type', 'application/x-www-form-urlencoded'];

/** Without `anyStatus` anything but a 200 is an error. */
type ExchangeOptions = FetchOptions & { readonly anyStatus?: boolean };

interface Outgoing {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly fields: FieldLines;
  readonly body: RequestBody;
}

/** GETs `url` and parses the body as JSON. Rejects with FetchError; anything but a complete 200 is one. */
export async function fetchJson(url: string, options: FetchOptions): Promise<unknown> {
  return underUrl('GET', url, async () => {
    const { bytes } = await exchange({ method: 'GET', url: new URL(url), fields: GET_FIELDS, body: NO_BODY }, options);
    return parseJson(bytes);
  });
}

/** POSTs a form and returns the JSON that answers it, unparsed. Rejects as `fetchJson` does, and when it is not called JSON. */
export async function postForm(url: string, { authorization, text }: Form, options: FetchOptions): Promise<Uint8Array> {
  return underUrl('POST', url, async () => {
    const fields = ['Authorization', authorization, ...FORM_FIELDS];
    const { bytes, head } = await exchange({ method: 'POST', url: new URL(url), fields, body: bodyOf(text) }, options);
    const [type = 'none'] = fieldValues(head.fields, 'content-type');
    if (/^application\/json[ \t]*(;|$)/i.test(type)) return bytes;
    throw new Error(`expected Content-Type application/json, got ${evidence(type)}`);
  });
}

/** A request in all its parts; `text` is the body. */
export interface FullRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly fields: FieldLines;
  readonly text: string | undefined;
}

/** What answers a request, whatever its status. Rejects with FetchError when no complete answer came. */
export async function fetchAnswer(request: FullRequest, options: FetchOptions): Promise<WholeAnswer> {
  const { method, url, fields, text } = request;
  const body = text === undefined ? NO_BODY : bodyOf(text);
  const any = { ...options, anyStatus: true };
  return underUrl(method, url, () => exchange({ method, url: new URL(url), fields, body }, any));
}

async function underUrl<T>(method: string, url: string, fetching: () => Promise<T>): Promise<T> {
  try {
    return await fetching();
  } catch (error) {
    // A query may hold an API key.
    throw new FetchError(`${method} ${rawPath(url)}: ${errorField(error)}`, { cause: error });
  }
}

function bodyOf(text: string): RequestBody {
  const bytes = Buffer.from(text);
  const deliverTo = (sink: BodySink): void => {
    sink.write(bytes);
    sink.end();
  };
  return { length: bytes.length, deliverTo };
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
async function exchange(outgoing: Outgoing, options: ExchangeOptions): Promise<WholeAnswer> {
  const { timeoutMs, address } = options;
  const { url } = outgoing;
  const proxy = findEgressProxy(url);
  const tunnel = proxy && (await openTunnel({ proxy, target: url, address, timeoutMs }));
  const answer = new Answer(url, options);
  const timer = setTimeout(() => answer.onTimeout(), timeoutMs);
  const call = sendRequest(outgoing, options, { tunnel, answer });
  try {
    return await answer.whole;
  } finally {
    clearTimeout(timer);
    call.cancel();
  }
}

function sendRequest(
  { method, url, fields: own, body }: Outgoing,
  { timeoutMs, ca, address }: FetchOptions,
  { tunnel, answer }: { tunnel: Socket | undefined; answer: Answer },
): BackendCall {
  const client = createBackendClient({
    url,
    address,
    connectTimeoutMs: timeoutMs,
    headTimeoutMs: timeoutMs,
    maxIdleConnections: 0,
    maxHeaderBytes: MAX_HEADER_BYTES,
    ca,
    tunnel,
    onBug: (error) => answer.onBug(error),
  });
  const fields = ['Host', url.host, ...own, ...REQUEST_FIELDS];
  const target = `${url.pathname}${url.search}`;
  const call = client.send({ method, target, fields, commonLines: 'Connection: close\r\n' }, body, answer);
  client.close();
  return call;
}

export interface WholeAnswer {
  readonly head: ResponseHead;
  readonly bytes: Buffer;
}

class Answer implements BackendReceiver, BodySink {
  onDrain: (() => void) | undefined = undefined;
  readonly #url: URL;
  readonly #options: ExchangeOptions;
  readonly #whole = Promise.withResolvers<WholeAnswer>();
  readonly #chunks: Uint8Array[] = [];
  #head: ResponseHead = { status: 0, reason: '', fields: [], length: undefined };
  #bytes = 0;

  constructor(url: URL, options: ExchangeOptions) {
    this.#url = url;
    this.#options = options;
  }

  get whole(): Promise<WholeAnswer> {
    return this.#whole.promise;
  }

  onInformational(): void {
    // The final response is still to come.
  }

  onHead(head: ResponseHead): BodySink {
    this.#head = head;
    const coding = fieldValues(head.fields, 'content-encoding').join(', ');
    if (head.status !== 200 && this.#options.anyStatus !== true) this.#whole.reject(new UnexpectedStatus(head));
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
    this.#whole.resolve({ head: this.#head, bytes: Buffer.concat(this.#chunks) });
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
