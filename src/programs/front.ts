/** The programs over HTTP, for the threads that serve: whose request it is, which server, which session. MCP 2025-11-25, 2026-07-28 transports. */
import { timingSafeEqual } from 'node:crypto';
import { type Fault, formatFault } from '../mcp/fault.ts';
import { checkHeaders } from '../mcp/headers-agree.ts';
import { isJsonBody } from '../mcp/media-type.ts';
import type { Message } from '../mcp/message.ts';
import { type Batch, readMessage } from '../mcp/read-message.ts';
import { findRevision, isModern } from '../mcp/revisions.ts';
import { collectBody } from '../wire/collect-body.ts';
import type { Exchange, FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { readAccept } from './accept.ts';
import type { BodyBudget } from './body-budget.ts';
import { CountedBody } from './counted-body.ts';
import { type ProgramIdentity, readIdentity } from './identity.ts';
import { toInbound } from './inbound.ts';
import { judgeModernRequest } from './judge-modern.ts';
import type { Program } from './program.ts';
import type { ProgramServer } from './program-server.ts';
import { BUSY, refuse, respondEmpty, respondJson, SESSION_NOT_FOUND, TOO_MANY } from './respond.ts';

export interface FrontParts {
  readonly hop: string;
  readonly bodyBudget: BodyBudget;
  maxBodyBytes(): number;
  findServer(name: string): ProgramServer | undefined;
  /** In the midst of a request. */
  onBug(error: unknown): void;
}

/** All that is known of a request by its head. */
interface Visit {
  readonly exchange: Exchange;
  /** Until the exchange has another owner. */
  readonly watch: { isGone: boolean };
  readonly fields: FieldLines;
  readonly server: ProgramServer;
  readonly identity: ProgramIdentity;
  readonly sessionId: string | undefined;
  readonly version: string | undefined;
}

export class Front {
  readonly #parts: FrontParts;
  readonly #hop: Buffer;

  constructor(parts: FrontParts) {
    this.#parts = parts;
    this.#hop = Buffer.from(parts.hop);
  }

  answer(exchange: Exchange): void {
    const { method, target, fields } = exchange.head;
    const watch = { isGone: false };
    exchange.owner = {
      onClose: () => {
        watch.isGone = true;
      },
    };
    if (!this.#isOurs(fields)) return respondEmpty(exchange, 403);
    const server = this.#parts.findServer(target.split('?', 1)[0]?.slice(1) ?? '');
    if (server === undefined) return respondEmpty(exchange, 404);
    const identity = readIdentity(fields);
    if (identity === undefined) {
      return refuse(exchange, { status: 403, code: -32600, message: 'The token holds what no environment can hold' });
    }
    const [sessionId] = fieldValues(fields, 'mcp-session-id');
    const [version] = fieldValues(fields, 'mcp-protocol-version');
    const visit = { exchange, watch, fields, server, identity, sessionId, version };
    if (method === 'POST') return this.#post(visit);
    if (method === 'GET') return this.#withSession(visit, () => this.#listen(visit));
    if (method === 'DELETE') return this.#withSession(visit, () => this.#delete(visit));
    respondEmpty(exchange, 405, ['Allow', 'GET, POST, DELETE']);
  }

  /** A child of this user can connect, too; it does not know the word. */
  #isOurs(fields: FieldLines): boolean {
    const [hop = ''] = fieldValues(fields, 'x-obex-hop');
    const given = Buffer.from(hop);
    return given.length === this.#hop.length && timingSafeEqual(given, this.#hop);
  }

  #withSession({ exchange, sessionId, version }: Visit, go: () => void): void {
    if (version !== undefined && isModern(version)) return respondEmpty(exchange, 405, ['Allow', 'POST']);
    if (sessionId === undefined) return refuse(exchange, NO_SESSION_ID);
    if (findRevision(version) === undefined) return refuse(exchange, UNKNOWN_VERSION);
    go();
  }

  #listen({ exchange, server, identity, sessionId, fields }: Visit): void {
    if (!readAccept(fields).events) {
      return refuse(exchange, {
        status: 406,
        code: -32000,
        message: 'Not Acceptable: text/event-stream is what there is',
      });
    }
    const session = server.findSession(sessionId ?? '', identity);
    if (session === undefined) return refuse(exchange, SESSION_NOT_FOUND);
    session.listen(exchange, fieldValues(fields, 'last-event-id')[0]);
  }

  #delete({ exchange, server, identity, sessionId }: Visit): void {
    const session = server.findSession(sessionId ?? '', identity);
    if (session === undefined) return refuse(exchange, SESSION_NOT_FOUND);
    session.end('deleted');
    respondEmpty(exchange, 204);
  }

  #post(visit: Visit): void {
    const { exchange, fields, server, identity, sessionId, version } = visit;
    if (!isJsonBody(fieldValues(fields, 'content-type'), fieldValues(fields, 'content-encoding'))) {
      return refuse(exchange, { status: 415, code: -32700, message: 'Content-Type must be application/json' });
    }
    const isForShared = version !== undefined && isModern(version);
    const user = isForShared ? server.findShared(identity) : server.findSession(sessionId ?? '', identity);
    if (!isForShared && sessionId !== undefined && user === undefined) return refuse(exchange, SESSION_NOT_FOUND);
    // A process that does not read keeps its clients from sending.
    if (user === undefined) this.#read(visit);
    else user.program.input.whenReady(() => this.#read(visit));
  }

  #read(visit: Visit): void {
    const { exchange, identity } = visit;
    const counted = new CountedBody(exchange.body, this.#parts.bodyBudget, identity.subjectKey);
    collectBody(counted, this.#parts.maxBodyBytes(), (outcome) => {
      if (typeof outcome !== 'string') return void this.#take(visit, asBuffer(outcome), counted);
      counted.release();
      if (counted.isRefused) return refuse(exchange, BUSY);
      const status = STATUS_OF_FAILURE[outcome];
      if (status !== undefined) refuse(exchange, { status, code: -32700, message: 'The body could not be read' });
    });
  }

  /** The body counts for as long as it may wait for room. */
  async #take(visit: Visit, body: Buffer, counted: CountedBody): Promise<void> {
    const { exchange } = visit;
    try {
      await this.#receive(visit, body);
    } catch (error) {
      this.#parts.onBug(error);
      if (!exchange.responded) refuse(exchange, { status: 500, code: -32603, message: 'Internal error' });
    } finally {
      counted.release();
    }
  }

  async #receive(visit: Visit, body: Buffer): Promise<void> {
    const { exchange, fields } = visit;
    const read = readMessage(body);
    if (read.kind === 'fault') return answerFault(exchange, read);
    if (read.kind === 'batch' && read.messages.length > MAX_BATCH) return refuse(exchange, BATCH_TOO_LONG);
    const mismatch = checkHeaders(
      {
        versions: fieldValues(fields, 'mcp-protocol-version'),
        methods: fieldValues(fields, 'mcp-method'),
        names: fieldValues(fields, 'mcp-name'),
      },
      read,
    );
    if (mismatch !== undefined) return answerFault(exchange, mismatch);
    await this.#dispatch(visit, read, body);
  }

  async #dispatch(visit: Visit, read: Message | Batch, body: Buffer): Promise<void> {
    if (isOfModernEra(visit, read)) return this.#toShared(visit, read, body);
    const { exchange, watch, server, identity, sessionId, version, fields } = visit;
    const accepted = readAccept(fields);
    const isInitialize = read.kind === 'request' && read.method === 'initialize';
    if (isInitialize && sessionId === undefined) {
      const session = await server.openSession(identity, () => !watch.isGone);
      if (watch.isGone) return session?.end('client_gone');
      if (session === undefined) return refuse(exchange, { ...TOO_MANY, id: read.id });
      return session.post(toInbound(read, body), exchange, accepted);
    }
    if (sessionId === undefined) return refuse(exchange, NO_SESSION_ID);
    if (findRevision(version) === undefined) return refuse(exchange, UNKNOWN_VERSION);
    const session = server.findSession(sessionId, identity);
    if (session === undefined) return refuse(exchange, SESSION_NOT_FOUND);
    if (isInitialize) return refuse(exchange, { ...ALREADY_INITIALIZED, id: read.id });
    if (!session.program.input.isReady && !(await this.#queue(visit, session.program, body))) return;
    session.post(toInbound(read, body), exchange, accepted);
  }

  async #toShared(visit: Visit, read: Message | Batch, body: Buffer): Promise<void> {
    const { exchange, watch, server, identity, fields } = visit;
    const [inbound] = toInbound(read, body);
    if (inbound === undefined || read.kind === 'batch' || read.kind === 'response') {
      return refuse(exchange, { status: 400, code: -32600, message: 'Invalid Request: no responses in this revision' });
    }
    if (read.kind === 'notification') {
      const shared = server.findShared(identity);
      if (shared === undefined) return respondEmpty(exchange, 202);
      if (!shared.program.input.isReady && !(await this.#queue(visit, shared.program, body))) return;
      return shared.notify(read, inbound.line, exchange);
    }
    const refusal = judgeModernRequest(read);
    if (refusal !== undefined) return respondEarly(exchange, refusal);
    const shared = await server.openShared(identity, () => !watch.isGone);
    if (watch.isGone) return shared?.onAbandoned();
    if (shared === undefined) return refuse(exchange, { ...TOO_MANY, id: read.id });
    if (!shared.program.input.isReady && !(await this.#queue(visit, shared.program, body))) return;
    shared.request(read, inbound.line, { exchange, accepted: readAccept(fields) });
  }

  /** Others have been read for the same process meanwhile. False when it is refused, or nobody waits any more. */
  async #queue({ exchange, watch }: Visit, { input }: Program, body: Buffer): Promise<boolean> {
    const hasRoom = await input.queue(body.length);
    if (!hasRoom) refuse(exchange, BUSY);
    return hasRoom && !watch.isGone;
  }
}

const MAX_BATCH = 1_024;
const BATCH_TOO_LONG = { status: 400, code: -32600, message: 'Invalid Request: the batch has too many messages' };
const NO_SESSION_ID = { status: 400, code: -32000, message: 'Bad Request: Mcp-Session-Id is missing' };
const UNKNOWN_VERSION = { status: 400, code: -32000, message: 'Bad Request: MCP-Protocol-Version is not known' };
const ALREADY_INITIALIZED = { status: 400, code: -32600, message: 'Invalid Request: the session is initialized' };

const STATUS_OF_FAILURE: Readonly<Record<string, number>> = {
  payload_too_large: 413,
  malformed_request: 400,
  request_timeout: 408,
};

/** Each era has processes of its own. Whoever names a version in the body, one that nobody knows too, speaks as the new one does. */
function isOfModernEra({ version }: Visit, read: Message | Batch): boolean {
  if (version !== undefined && isModern(version)) return true;
  if (read.kind === 'batch' || read.kind === 'response' || read.version === undefined) return false;
  return isModern(read.version) || findRevision(read.version) === undefined;
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function answerFault(exchange: Exchange, fault: Fault): void {
  respondEarly(exchange, formatFault(fault));
}

function respondEarly(exchange: Exchange, json: string): void {
  respondJson(exchange, { status: 400, json });
}
