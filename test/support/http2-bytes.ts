/**
 * HTTP/1.1 bytes on this side, HTTP/2 on the wire: what a test sends as text travels in frames of node:http2, and the answers
 * come back as text, in the order of the requests. RFC 9113 §8.1–8.3.
 */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';

type Head = IncomingHttpHeaders & IncomingHttpStatusHeader;

/** RFC 9113 §8.2.2: what says how the bytes of HTTP/1.1 are framed has no place in HTTP/2. */
const FRAMING = ['transfer-encoding'];
const BODILESS = [204, 304];
/** What is too long, or one field of a name too many, is for the server to say. */
const LENIENT = { maxSendHeaderBlockLength: 2 ** 20, strictSingleValueFields: false };

/** Connects to a loopback port, which must speak HTTP/2. */
export async function openHttp2Bytes(port: number, tls: ConnectionOptions): Promise<Duplex> {
  const socket = connectTls({ host: '127.0.0.1', port, ...tls, ALPNProtocols: ['h2'] });
  await once(socket, 'secureConnect');
  const session = connect(`https://127.0.0.1:${port}`, { createConnection: () => socket, ...LENIENT });
  await once(session, 'remoteSettings');
  return new Http2Bytes(session);
}

/** The part of a request that has not been sent yet. */
interface Upload {
  readonly stream: ClientHttp2Stream;
  /** Bytes to come; undefined = in chunks. */
  missing: number | undefined;
}

class Http2Bytes extends Duplex {
  readonly #session: ClientHttp2Session;
  readonly #answers: Answer[] = [];
  #input: Buffer = Buffer.alloc(0);
  #upload: Upload | undefined;

  constructor(session: ClientHttp2Session) {
    super();
    this.#session = session;
    session.on('error', (error) => this.destroy(error));
    session.on('close', () => this.push(null));
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.#input = Buffer.concat([this.#input, chunk]);
    while (this.#upload === undefined ? this.#startRequest() : this.#continueBody(this.#upload)) continue;
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#session.destroy();
    callback(error);
  }

  /** Tells whether there was a whole head. */
  #startRequest(): boolean {
    const end = this.#input.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [requestLine = '', ...lines] = this.#input.toString('latin1', 0, end).split('\r\n');
    this.#input = this.#input.subarray(end + 4);
    const [method = '', path = ''] = requestLine.split(' ');
    const fields = lines.map((line): readonly [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    });
    const valueOf = (name: string): string | undefined => fields.find(([known]) => known === name)?.[1];
    const host = fields.findIndex(([name]) => name === 'host');
    const missing = valueOf('transfer-encoding') === undefined ? Number(valueOf('content-length') ?? 0) : undefined;
    const carried = fields.filter(([name], index) => index !== host && !FRAMING.includes(name)).flat();
    const authority = fields[host]?.[1] ?? '';
    const head = [':method', method, ':scheme', 'https', ':authority', authority, ':path', path, ...carried];
    const stream = this.#session.request(head, { endStream: missing === 0 });
    this.#upload = missing === 0 ? undefined : { stream, missing };
    const answer = new Answer(stream, { isHead: method === 'HEAD', onOutput: () => this.#pass() });
    this.#answers.push(answer);
    return true;
  }

  /** Tells whether there was anything to do. */
  #continueBody(upload: Upload): boolean {
    if (upload.missing === undefined) return this.#continueChunks(upload);
    const part = this.#input.subarray(0, upload.missing);
    if (part.length === 0) return false;
    this.#input = this.#input.subarray(part.length);
    upload.missing -= part.length;
    upload.stream.write(part);
    if (upload.missing === 0) this.#endUpload(upload);
    return true;
  }

  #continueChunks(upload: Upload): boolean {
    const lineEnd = this.#input.indexOf('\r\n');
    const size = Number.parseInt(this.#input.toString('latin1', 0, Math.max(0, lineEnd)), 16);
    const start = lineEnd + 2;
    if (lineEnd < 0 || this.#input.length < start + size + 2) return false;
    upload.stream.write(this.#input.subarray(start, start + size));
    this.#input = this.#input.subarray(start + size + 2);
    if (size === 0) this.#endUpload(upload);
    return true;
  }

  #endUpload({ stream }: Upload): void {
    stream.end();
    this.#upload = undefined;
  }

  /** Answers come in the order of their requests, as they do on a connection of HTTP/1.1. */
  #pass(): void {
    for (let [first] = this.#answers; first !== undefined; [first] = this.#answers) {
      for (const bytes of first.take()) this.push(bytes);
      if (first.outcome === undefined) return;
      if (first.outcome instanceof Error) return void this.destroy(first.outcome);
      this.#answers.shift();
    }
  }
}

/** One answer on its way back to text. */
class Answer {
  /** Undefined while it goes on. */
  outcome: 'whole' | Error | undefined;
  #output: (string | Buffer)[] = [];
  readonly #onOutput: () => void;
  #isChunked = false;

  constructor(stream: ClientHttp2Stream, { isHead, onOutput }: { isHead: boolean; onOutput: () => void }) {
    this.#onOutput = onOutput;
    stream.on('headers', (head: Head, _flags: number, fields: string[]) => this.#write(formatHead(head, fields)));
    stream.on('response', (head: Head, _flags: number, fields: string[]) => {
      const status = head[':status'] ?? 0;
      this.#isChunked = !isHead && !BODILESS.includes(status) && head['content-length'] === undefined;
      this.#write(formatHead(head, this.#isChunked ? [...fields, 'transfer-encoding', 'chunked'] : fields));
    });
    stream.on('data', (bytes: Buffer) => this.#write(this.#isChunked ? formatChunk(bytes) : bytes));
    stream.on('error', (error) => this.#settle(error));
    stream.on('close', () => {
      const isWhole = stream.rstCode === constants.NGHTTP2_NO_ERROR;
      if (isWhole && this.#isChunked) this.#write('0\r\n\r\n');
      this.#settle(isWhole ? 'whole' : new Error(`the stream was reset with code ${stream.rstCode}`));
    });
  }

  take(): readonly (string | Buffer)[] {
    const taken = this.#output;
    this.#output = [];
    return taken;
  }

  #write(bytes: string | Buffer): void {
    this.#output.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    this.#onOutput();
  }

  #settle(outcome: 'whole' | Error): void {
    this.outcome ??= outcome;
    this.#onOutput();
  }
}

function formatHead(head: Head, fields: readonly string[]): string {
  const lines = [`HTTP/1.1 ${head[':status']} `];
  for (let index = 0; index < fields.length; index += 2) {
    if (!fields[index]?.startsWith(':')) lines.push(`${fields[index]}: ${fields[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function formatChunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
}
