/** A session of the revisions that have them, with a process of its own. MCP 2025-11-25 transports, Session Management. */
import { randomUUID } from 'node:crypto';
import { type ErrorObject, formatError, type RequestId } from '../mcp/fault.ts';
import type { Request } from '../mcp/message.ts';
import type { ProgramEndReason } from '../observe/program-metrics.ts';
import type { Exchange, FieldLines } from '../wire/exchange.ts';
import type { Accepted } from './accept.ts';
import { Answer, EVENT_FIELDS } from './answer.ts';
import { Channel, readEventId } from './channel.ts';
import { EventStore } from './event-store.ts';
import type { ProgramIdentity } from './identity.ts';
import { type Inbound, idKey, progressTokenOf, tokenKey } from './inbound.ts';
import type { Program, ProgramOwner } from './program.ts';
import { withId } from './program-ids.ts';
import type { ProgramMessage, ProgramRequest, ProgramResponse } from './program-message.ts';
import { BUSY, NOT_ACCEPTABLE, refuse, respondEmpty } from './respond.ts';
import { type Ringing, SseStream } from './sse-stream.ts';

export interface SessionParts {
  readonly keepAlive: Ringing;
  startProgram(owner: ProgramOwner): Program;
  /** From now on requests may name it. */
  onOpen(session: Session): void;
  onClosed(session: Session): void;
  /** A response to nothing that was asked. */
  onUnmatched(): void;
}

/** A request on its way. */
interface Pending {
  readonly id: RequestId;
  readonly isInitialize: boolean;
  readonly progressToken: string | undefined;
  readonly group: Group;
}

/** What is answered together: the requests of one POST. */
interface Group {
  readonly channel: Channel;
  readonly answer: Answer;
  readonly isSingle: boolean;
  left: number;
}

const STORE_BYTES = 512 * 1024;
const MAX_IN_FLIGHT = 1_024;
const FIRST_PRIMED = '2025-11-25';

export class Session implements ProgramOwner {
  readonly id = randomUUID();
  readonly identity: ProgramIdentity;
  readonly program: Program;
  readonly #parts: SessionParts;
  readonly #fields: FieldLines = ['Mcp-Session-Id', this.id];
  readonly #store = new EventStore(STORE_BYTES);
  readonly #pending = new Map<string, Pending>();
  readonly #channels = new Map<number, Channel>();
  /** What belongs to no request. */
  readonly #standalone = new Channel(0, this.#store, () => undefined);
  #lastChannel = 0;
  #version = '';
  #isOpen = false;
  #isUsed = false;

  constructor(identity: ProgramIdentity, parts: SessionParts) {
    this.identity = identity;
    this.#parts = parts;
    this.program = parts.startProgram(this);
  }

  /** Somebody waits for something, or is about to; an open GET does not count, and nor does whoever has gone. */
  get isBusy(): boolean {
    return !this.#isUsed || this.#pending.values().some(({ group }) => !group.answer.isOver || group.channel.isHeard);
  }

  end(reason: ProgramEndReason): void {
    this.program.end(reason);
  }

  /** Streams that may last for ever. */
  closeStreams(): void {
    this.#standalone.complete();
  }

  post(inbound: readonly Inbound[], exchange: Exchange, accepted: Accepted): void {
    this.#isUsed = true;
    const requests = inbound.flatMap(({ message }) => (message.kind === 'request' ? [message] : []));
    if (requests.length > 0 && !this.#expect(requests, exchange, accepted)) return;
    for (const { message } of inbound) {
      if (message.kind === 'notification' && message.method === 'notifications/cancelled') this.#cancel(message.params);
    }
    this.program.send(...inbound.map(({ line }) => line));
    if (requests.length === 0) respondEmpty(exchange, 202);
    // One that could not be started has ended before it was asked anything.
    if (this.program.ended !== undefined) this.onEnd(this.program.ended);
  }

  /** GET. */
  listen(exchange: Exchange, lastEventId: string | undefined): void {
    if (lastEventId === undefined) return this.#standalone.open(this.#openStream(exchange), this.#isPrimed);
    const at = readEventId(lastEventId);
    const channel = at?.channel === 0 ? this.#standalone : this.#channels.get(at?.channel ?? -1);
    if (at === undefined || channel?.canResume(at.sequence) !== true) {
      return refuse(exchange, {
        status: 400,
        code: -32000,
        message: 'What follows Last-Event-ID is not kept any more',
      });
    }
    channel.resume(this.#openStream(exchange), at.sequence);
  }

  onMessage(message: ProgramMessage): void {
    if (message.kind === 'response') this.#onResponse(message);
    else this.#channelFor(message).send(message.json);
  }

  onEnd(why: string): void {
    for (const { id } of this.#pending.values()) this.#fail(id, { code: -32603, message: why });
    this.#standalone.complete();
    for (const channel of this.#channels.values()) channel.complete();
    this.#parts.onClosed(this);
  }

  get #isPrimed(): boolean {
    return this.#version >= FIRST_PRIMED;
  }

  /** False when they are refused. */
  #expect(requests: readonly Request[], exchange: Exchange, accepted: Accepted): boolean {
    if (!accepted.events && (requests.length > 1 || !accepted.json)) {
      refuse(exchange, NOT_ACCEPTABLE);
      return false;
    }
    if (this.#pending.size + requests.length > MAX_IN_FLIGHT) {
      refuse(exchange, BUSY);
      return false;
    }
    const taken = requests.find(({ id }) => this.#pending.has(idKey(id)));
    if (taken !== undefined) {
      refuse(exchange, { status: 400, code: -32600, message: 'Invalid Request: its id is in use', id: taken.id });
      return false;
    }
    const group = this.#createGroup(requests.length, exchange, accepted);
    for (const request of requests) {
      const { id, method } = request;
      const progressToken = progressTokenOf(request);
      this.#pending.set(idKey(id), { id, isInitialize: method === 'initialize', progressToken, group });
    }
    return true;
  }

  #createGroup(left: number, exchange: Exchange, accepts: Accepted): Group {
    this.#lastChannel += 1;
    const number = this.#lastChannel;
    const channel = new Channel(number, this.#store, () => this.#channels.delete(number));
    this.#channels.set(number, channel);
    const answer = new Answer(exchange, {
      flow: this.program.flow,
      keepAlive: this.#parts.keepAlive,
      fields: this.#fields,
      accepts,
      onStream: (stream) => channel.open(stream, this.#isPrimed),
      onClose: (isGone) => {
        if (isGone && !this.#isOpen) this.end('client_gone');
      },
    });
    return { channel, answer, isSingle: left === 1, left };
  }

  #openStream(exchange: Exchange): SseStream {
    let stream: SseStream | undefined;
    exchange.owner = { onClose: () => stream?.release() };
    const fields = [...EVENT_FIELDS, ...this.#fields];
    const sink = exchange.respond({ status: 200, reason: '', fields, length: undefined });
    stream = new SseStream(sink, this.program.flow, this.#parts.keepAlive);
    return stream;
  }

  #onResponse(message: ProgramResponse): void {
    const pending = this.#find(message);
    if (pending === undefined) return this.#parts.onUnmatched();
    const { id, isInitialize } = pending;
    const json = message.id === null ? withId(message, JSON.stringify(id)) : message.json;
    if (isInitialize && !this.#isOpen && !message.isError) this.#open(message.members['result']);
    this.#settle(id, json, message.isError);
    if (!this.#isOpen) this.end('era_refused');
  }

  /** An error without an id is about what the program has read last. */
  #find({ id }: ProgramResponse): Pending | undefined {
    return id === null ? this.#newest(() => true) : this.#pending.get(idKey(id));
  }

  #open(result: unknown): void {
    if (typeof result === 'object' && result !== null && 'protocolVersion' in result) {
      this.#version = String(result.protocolVersion);
    }
    this.#isOpen = true;
    this.#parts.onOpen(this);
  }

  #fail(id: RequestId, error: ErrorObject): void {
    this.#settle(id, Buffer.from(formatError(id, error)), true);
  }

  #settle(id: RequestId, json: Buffer, isError: boolean): void {
    const pending = this.#pending.get(idKey(id));
    if (pending === undefined) return;
    this.#pending.delete(idKey(id));
    const { group } = pending;
    group.left -= 1;
    const fields = isError && !this.#isOpen ? [] : this.#fields;
    const isWhole = group.isSingle && group.answer.respond(json, 200, fields);
    if (!isWhole) {
      group.answer.stream();
      // Where nobody listens, and nobody was told how to come back, nobody can ask for it.
      if (group.channel.isHeard || group.channel.isKnown) group.channel.send(json);
    }
    if (group.left === 0) group.channel.complete();
  }

  /** Where its progress token points, else to the newest request that somebody waits for, else to GET. */
  #channelFor(message: ProgramRequest): Channel {
    const token = message.method === 'notifications/progress' ? tokenKey(message.params['progressToken']) : undefined;
    const pending =
      (token === undefined ? undefined : this.#newest((each) => each.progressToken === token)) ??
      this.#newest(({ group }) => group.answer.canStream || group.channel.isHeard);
    if (pending === undefined) return this.#standalone;
    const { answer, channel } = pending.group;
    answer.stream();
    return channel.isHeard || channel.isKnown ? channel : this.#standalone;
  }

  #newest(matches: (pending: Pending) => boolean): Pending | undefined {
    return [...this.#pending.values()].findLast(matches);
  }

  /** The program answers no more what the client has given up. */
  #cancel(params: Readonly<Record<string, unknown>> | undefined): void {
    const pending = this.#pending.get(tokenKey(params?.['requestId']) ?? '');
    if (pending === undefined || pending.isInitialize) return;
    // Without any, a client would come back for the rest of the stream.
    this.#fail(pending.id, { code: -32000, message: 'Request cancelled' });
  }
}
