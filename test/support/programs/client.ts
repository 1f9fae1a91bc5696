/** A client of MCP that shows everything: each answer as it came, each event of a stream. */
import { isRecord, parseObject } from '../json.ts';
import type { Fields } from './socket-fetch.ts';

type Members = Readonly<Record<string, unknown>>;

export interface SseEvent {
  readonly id: string | undefined;
  readonly data: string;
}

/** An answer whose head has come. */
export class Reply {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #text = '';

  constructor(response: Response) {
    this.response = response;
    this.#reader = response.body?.getReader();
  }

  get status(): number {
    return this.response.status;
  }

  get isStream(): boolean {
    return this.response.headers.get('content-type') === 'text/event-stream';
  }

  get sessionId(): string | undefined {
    return this.response.headers.get('mcp-session-id') ?? undefined;
  }

  /** The next event; undefined at the end. Comments are passed over. */
  async nextEvent(): Promise<SseEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end < 0) {
        if (!(await this.#more())) return undefined;
        continue;
      }
      const lines = this.#text.slice(0, end).split('\n');
      this.#text = this.#text.slice(end + 2);
      const value = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = value('data');
      if (data !== undefined) return { id: value('id'), data };
    }
  }

  /** Messages of all events to the end. */
  async messages(): Promise<readonly Members[]> {
    const found: Members[] = [];
    for (;;) {
      const event = await this.nextEvent();
      if (event === undefined) return found;
      if (event.data !== '') found.push(parseObject(event.data));
    }
  }

  /** The last message, of a stream or alone. */
  async message(): Promise<Members> {
    if (this.isStream) return (await this.messages()).at(-1) ?? {};
    return parseObject(await this.text());
  }

  async text(): Promise<string> {
    while (await this.#more());
    return this.#text;
  }

  async close(): Promise<void> {
    await this.#reader?.cancel();
  }

  async #more(): Promise<boolean> {
    const { done, value } = (await this.#reader?.read()) ?? { done: true, value: undefined };
    if (value !== undefined) this.#text += Buffer.from(value).toString();
    return !done;
  }
}

const MODERN = '2026-07-28';
const ACCEPT = 'application/json, text/event-stream';

export class ProgramClient {
  sessionId: string | undefined;
  version = '2025-11-25';
  readonly #fetch: typeof fetch;
  readonly #url: string;
  #lastId = 0;

  constructor(fetch: typeof globalThis.fetch, url: string) {
    this.#fetch = fetch;
    this.#url = url;
  }

  async send(method: string, fields: Fields, body?: string, signal?: AbortSignal): Promise<Reply> {
    const init = { method, headers: { ...fields }, ...(body !== undefined && { body }), ...(signal && { signal }) };
    return new Reply(await this.#fetch(this.#url, init));
  }

  post(message: unknown, fields: Fields = {}, signal?: AbortSignal): Promise<Reply> {
    const body = typeof message === 'string' ? message : JSON.stringify(message);
    const json = { accept: ACCEPT, 'content-type': 'application/json' };
    return this.send('POST', { ...json, ...this.#sessionFields, ...fields }, body, signal);
  }

  get(fields: Fields = {}): Promise<Reply> {
    return this.send('GET', { accept: 'text/event-stream', ...this.#sessionFields, ...fields });
  }

  delete(): Promise<Reply> {
    return this.send('DELETE', this.#sessionFields);
  }

  async initialize(version = this.version): Promise<Reply> {
    const clientInfo = { name: 'test', version: '1' };
    const params = { protocolVersion: version, capabilities: {}, clientInfo };
    const reply = await this.post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    this.sessionId = reply.sessionId;
    this.version = version;
    return reply;
  }

  /** Initializes and says so. */
  async open(version?: string): Promise<this> {
    const reply = await this.initialize(version);
    await reply.message();
    await (await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' })).text();
    return this;
  }

  call(name: string, args: Members = {}, extra: Members = {}): Promise<Reply> {
    this.#lastId += 1;
    const params = { name, arguments: args, ...extra };
    return this.post({ jsonrpc: '2.0', id: this.#lastId, method: 'tools/call', params });
  }

  /** Calls a tool of the session, and returns its text. */
  async callText(name: string, args: Members = {}): Promise<string> {
    return textOf(await (await this.call(name, args)).message());
  }

  /** A request of 2026-07-28. */
  modern(method: string, params: Members = {}, id: string | number = 1, signal?: AbortSignal): Promise<Reply> {
    const meta = {
      'io.modelcontextprotocol/protocolVersion': MODERN,
      'io.modelcontextprotocol/clientCapabilities': {},
      ...(isRecord(params['_meta']) ? params['_meta'] : {}),
    };
    const name = params['name'] ?? params['uri'];
    const fields: Record<string, string> = { 'mcp-protocol-version': MODERN, 'mcp-method': method };
    if (typeof name === 'string') fields['mcp-name'] = name;
    return this.post({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }, fields, signal);
  }

  async modernText(name: string, args: Members = {}): Promise<string> {
    return textOf(await (await this.modern('tools/call', { name, arguments: args })).message());
  }

  get #sessionFields(): Fields {
    return this.sessionId === undefined
      ? {}
      : { 'mcp-session-id': this.sessionId, 'mcp-protocol-version': this.version };
  }
}

export function textOf(message: Members): string {
  const content = isRecord(message['result']) ? message['result']['content'] : undefined;
  const [first]: unknown[] = Array.isArray(content) ? content : [];
  if (!isRecord(first)) throw new TypeError(`no text: ${JSON.stringify(message)}`);
  return String(first['text']);
}
