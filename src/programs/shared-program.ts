/** A process for all requests of one principal with the same scopes: each stands alone. MCP 2026-07-28, Streamable HTTP. */
import { formatError } from '../mcp/fault.ts';
import type { Notification, Request } from '../mcp/message.ts';
import type { ProgramEndReason } from '../observe/program-metrics.ts';
import type { Exchange } from '../wire/exchange.ts';
import type { Accepted } from './accept.ts';
import { Answer } from './answer.ts';
import type { ProgramIdentity } from './identity.ts';
import { tokenKey } from './inbound.ts';
import type { Program, ProgramOwner } from './program.ts';
import { type ClientIds, cancelShared, sharedIdOf, toClient, toClientOf, toShared } from './program-ids.ts';
import type { ProgramMessage, ProgramRequest, ProgramResponse } from './program-message.ts';
import { BUSY, NOT_ACCEPTABLE, refuse, respondEmpty } from './respond.ts';
import type { Ringing, SseStream } from './sse-stream.ts';

export interface SharedProgramParts {
  readonly keepAlive: Ringing;
  startProgram(owner: ProgramOwner): Program;
  onClosed(shared: SharedProgram): void;
  /** A response to nothing that was asked. */
  onUnmatched(): void;
}

/** A request on its way. */
interface Call {
  readonly ids: ClientIds;
  readonly answer: Answer;
  /** Open for as long as the client wants. */
  readonly isListen: boolean;
}

const MAX_IN_FLIGHT = 1_024;
const METHOD_NOT_FOUND = -32601;
const HEADER_MISMATCH = -32020;
const UNSUPPORTED_PROTOCOL_VERSION = -32022;

export class SharedProgram implements ProgramOwner {
  readonly identity: ProgramIdentity;
  readonly program: Program;
  readonly #parts: SharedProgramParts;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #isUsed = false;
  /** It has answered something of this era with more than an error. */
  #isProven = false;

  constructor(identity: ProgramIdentity, parts: SharedProgramParts) {
    this.identity = identity;
    this.#parts = parts;
    this.program = parts.startProgram(this);
  }

  get isBusy(): boolean {
    return !this.#isUsed || this.#calls.values().some(({ isListen }) => !isListen);
  }

  end(reason: ProgramEndReason): void {
    this.program.end(reason);
  }

  /** Streams that may last for ever; clients open them anew. */
  closeStreams(): void {
    for (const [id, call] of this.#calls) {
      if (!call.isListen) continue;
      this.#calls.delete(id);
      call.answer.stream()?.end();
      this.program.send(cancelled(id));
    }
  }

  request(request: Request, line: Buffer, { exchange, accepted }: { exchange: Exchange; accepted: Accepted }): void {
    this.#isUsed = true;
    const isListen = request.method === 'subscriptions/listen';
    if (!accepted.events && (isListen || !accepted.json))
      return refuse(exchange, { ...NOT_ACCEPTABLE, id: request.id });
    if (this.#calls.size >= MAX_IN_FLIGHT) return refuse(exchange, { ...BUSY, id: request.id });
    this.#lastId += 1;
    const id = this.#lastId;
    const shared = toShared(line, request, id);
    const answer = new Answer(exchange, {
      flow: this.program.flow,
      keepAlive: this.#parts.keepAlive,
      fields: [],
      accepts: accepted,
      onStream: () => undefined,
      onClose: (isGone) => {
        if (isGone) this.#onGone(id);
      },
    });
    this.#calls.set(id, { ids: shared.ids, answer, isListen });
    this.program.send(shared.line);
    // One that could not be started has ended before it was asked anything.
    if (this.program.ended !== undefined) this.onEnd(this.program.ended);
  }

  /** Whoever it was started for went away in the meantime. */
  onAbandoned(): void {
    this.#isUsed = true;
    this.#endIfUseless('client_gone');
  }

  notify({ method, params }: Notification, line: Buffer, exchange: Exchange): void {
    respondEmpty(exchange, 202);
    if (method !== 'notifications/cancelled') return this.program.send(line);
    // Clients of one principal may use the same ids: where it could be another's, nothing is cancelled.
    const wanted = tokenKey(params?.['requestId']);
    const named = [...this.#calls].filter(([, { ids }]) => ids.id === wanted);
    const [only] = named;
    if (named.length === 1 && only !== undefined) this.program.send(cancelShared(line, only[0]));
  }

  onMessage(message: ProgramMessage): void {
    switch (message.kind) {
      case 'response':
        return this.#onResponse(message);
      case 'notification':
        return this.#onNotification(message);
      case 'request':
        return this.#refuse(message);
    }
  }

  onEnd(why: string): void {
    for (const [id, { ids, answer, isListen }] of this.#calls) {
      this.#calls.delete(id);
      const stream: SseStream | undefined = isListen ? answer.stream() : undefined;
      if (stream !== undefined) stream.end();
      else this.#answer(answer, Buffer.from(formatError(ids.value, { code: -32603, message: why })), 200);
    }
    this.#parts.onClosed(this);
  }

  #onResponse(message: ProgramResponse): void {
    const id = message.id ?? [...this.#calls.keys()].at(-1);
    const call = typeof id === 'number' ? this.#calls.get(id) : undefined;
    if (typeof id !== 'number' || call === undefined) return this.#parts.onUnmatched();
    this.#calls.delete(id);
    if (!message.isError) this.#isProven = true;
    this.#answer(call.answer, toClient(message, call.ids), statusOf(message.code));
    this.#endIfUseless('era_refused');
  }

  #onNotification(message: ProgramRequest): void {
    const id = sharedIdOf(message);
    const call = (id === undefined ? undefined : this.#calls.get(id)) ?? this.#newest();
    call?.answer.stream()?.message(toClientOf(message, call.ids), undefined);
  }

  #newest(): Call | undefined {
    const calls = [...this.#calls.values()];
    return calls.findLast(({ isListen, answer }) => !isListen && answer.canStream) ?? calls.at(-1);
  }

  /** Servers ask nothing in this era but by their results. */
  #refuse({ members }: ProgramRequest): void {
    const { id } = members;
    if (typeof id !== 'string' && typeof id !== 'number') return;
    const error = { code: METHOD_NOT_FOUND, message: 'Method not found: servers send no requests in this revision' };
    this.program.send(Buffer.from(formatError(id, error)));
  }

  #answer(answer: Answer, json: Buffer, status: number): void {
    if (answer.respond(json, status)) return;
    const stream = answer.stream();
    stream?.message(json, undefined);
    stream?.end();
  }

  /** "Closing the stream is the cancellation." */
  #onGone(id: number): void {
    if (!this.#calls.delete(id)) return;
    this.program.send(cancelled(id));
    this.#endIfUseless('client_gone');
  }

  /** One that speaks another era, or that nobody has waited for, is no use to the next request. */
  #endIfUseless(reason: ProgramEndReason): void {
    if (!this.#isProven && this.#calls.size === 0) this.end(reason);
  }
}

/** MCP 2026-07-28, Streamable HTTP: which errors of JSON-RPC are errors of HTTP. */
function statusOf(code: number | undefined): number {
  if (code === METHOD_NOT_FOUND) return 404;
  return code !== undefined && code <= HEADER_MISMATCH && code >= UNSUPPORTED_PROTOCOL_VERSION ? 400 : 200;
}

function cancelled(requestId: number): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } }));
}
