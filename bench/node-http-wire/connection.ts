/** One client connection: its exchanges, its refusals, and how it ends. RFC 9112 §9.3, §9.6. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { ServerHandlers, ServerLimits, WireRefusal } from '../../src/wire/exchange.ts';
import { type ExchangeConnection, NodeExchange } from './exchange.ts';
import { withoutFraming } from './framing.ts';
import { classifyParserError } from './parser-error.ts';
import { NodeRequestBody } from './request-body.ts';
import { type CheckedRequestHead, checkRequestHead, type HeadRefusal } from './request-head.ts';

/** What connections share with their server. */
export interface ConnectionContext {
  readonly handlers: ServerHandlers;
  limits(): ServerLimits;
  readonly draining: boolean;
  /** Plain TCP, whose connections can be reset. */
  readonly resettable: boolean;
}

// RFC 9112 §9.3.2 allows pipelining but not at any depth: beyond this many waiting requests nothing more is read.
const MAX_PIPELINED = 16;
// RFC 9112 §9.6: after the last response the client gets time to read it before unread input turns into a reset.
const LINGER_MS = 1_000;

/** The state of one connection; node:http owns parsing and writing. */
export class Connection implements ExchangeConnection {
  readonly peerAddress: string;
  readonly overloaded: boolean;
  readonly #socket: Socket;
  readonly #context: ConnectionContext;
  readonly #destroySoon: () => void;
  /** The exchange being served, then the pipelined ones behind it. */
  readonly #open: NodeExchange[] = [];
  /** The newest exchange, whose body may still be arriving. */
  #newest: NodeExchange | undefined;
  #refused = false;
  #closing = false;

  constructor(socket: Socket, context: ConnectionContext, overloaded: boolean) {
    this.#socket = socket;
    this.#context = context;
    this.overloaded = overloaded;
    // An IPv4 client of a dual-stack listener is the same client as on an IPv4 one.
    this.peerAddress = (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#onSocketClose());
    // node:http calls this after a response with `Connection: close`; its own would reset clients that still send.
    this.#destroySoon = socket.destroySoon.bind(socket);
    socket.destroySoon = () => this.close();
  }

  get reusable(): boolean {
    return !this.#context.draining && !this.overloaded && !this.#closing;
  }

  /** True before the first byte of the first request. */
  get untouched(): boolean {
    return this.#newest === undefined && !this.#refused && this.#socket.bytesRead === 0;
  }

  /** A request head has been parsed; makes an exchange of it, or refuses it. */
  receive(message: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    if (this.#refused || this.#closing) {
      message.resume();
      return;
    }
    const checked = checkRequestHead(
      {
        method: message.method ?? '',
        target: message.url ?? '',
        httpVersion: message.httpVersion,
        fields: message.rawHeaders,
      },
      this.#context.limits(),
    );
    if ('refusal' in checked) return this.#refuseInOrder(checked, response);
    const exchange = this.#createExchange(checked, { message, response, expectsContinue });
    this.#newest = exchange;
    this.#open.push(exchange);
    if (this.#open.length === 1) this.#context.handlers.onExchange(exchange);
    else if (this.#open.length > MAX_PIPELINED) this.#socket.pause();
  }

  #createExchange(
    checked: CheckedRequestHead,
    parts: { message: IncomingMessage; response: ServerResponse; expectsContinue: boolean },
  ): NodeExchange {
    const { message, response } = parts;
    const limits = this.#context.limits();
    const body = new NodeRequestBody(message, {
      length: checked.bodyLength,
      limits,
      sendContinue: parts.expectsContinue
        ? () => {
            if (!response.headersSent) response.writeContinue();
          }
        : undefined,
      onFailed: () => {
        if (exchange.over) this.close();
      },
    });
    const exchange: NodeExchange = new NodeExchange({
      head: checked.head,
      body,
      response,
      connection: this,
      close: checked.close,
      http10: message.httpVersion === '1.0',
      writeTimeoutMs: limits.writeTimeoutMs,
    });
    return exchange;
  }

  onExchangeOver(exchange: NodeExchange): void {
    if (this.#socket.destroyed || this.#open[0] !== exchange) return;
    this.#open.shift();
    const [next] = this.#open;
    if (exchange.body.unreadable || (this.#context.draining && next === undefined)) return this.close();
    if (next === undefined || this.#closing) return;
    if (this.#open.length === MAX_PIPELINED) this.#socket.resume();
    this.#context.handlers.onExchange(next);
  }

  /** The parser gave up on this connection's bytes, the head took too long, or the peer hung up. */
  onParserError(error: Error): void {
    if (this.#socket.readableEnded) return this.cut(false);
    // The parser reports every further byte; what ends the connection now is the linger time or the client.
    if (this.#refused || this.#closing) return;
    const cause = classifyParserError(error, this.#context.limits().maxRequestLineBytes);
    // RFC 9112 §9.6: what follows a request with `Connection: close` is not looked at.
    if (cause === 'after_last_request') return;
    if (cause === 'hang_up' || this.untouched) return this.cut(false);
    if (this.#newest?.body.incomplete) return this.#newest.body.fail('malformed_request');
    // Bytes behind a request that is still being answered: an answer to them would end up inside that answer.
    if (this.#open.length > 0) return this.cut(false);
    this.#refuseNow(cause.refusal, cause.detail);
  }

  /** Refuses through node:http, which keeps the order of pipelined responses. */
  #refuseInOrder({ refusal, detail }: HeadRefusal, response: ServerResponse): void {
    this.#refused = true;
    const { head, body } = this.#context.handlers.onRefused(refusal, detail, this.peerAddress);
    response.on('error', () => this.cut(false));
    const fields = [...withoutFraming(head.fields), 'Content-Length', String(body.length), 'Connection', 'close'];
    response.writeHead(head.status, head.reason || (STATUS_CODES[head.status] ?? ''), fields);
    response.end(body);
  }

  /** Refuses where there is no request object: writes the answer to the idle socket. */
  #refuseNow(refusal: WireRefusal, detail: string): void {
    this.#refused = true;
    const { head, body } = this.#context.handlers.onRefused(refusal, detail, this.peerAddress);
    const fields = [...withoutFraming(head.fields), 'Content-Length', String(body.length), 'Connection', 'close'];
    let text = `HTTP/1.1 ${head.status} ${head.reason || (STATUS_CODES[head.status] ?? '')}\r\n`;
    for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
    this.#socket.write(`${text}Date: ${new Date().toUTCString()}\r\n\r\n`, 'latin1');
    this.#socket.write(body);
    this.close();
  }

  /** Sends what is queued and a FIN; if input is still due, reads and drops it for a while so that the client can read. */
  close(): void {
    if (this.#closing || this.#socket.destroyed) return;
    this.#closing = true;
    if (!this.#refused && !this.#newest?.body.incomplete) return this.#destroySoon();
    this.#socket.end();
    this.#newest?.body.discardRest();
    const timer = setTimeout(() => this.#socket.destroy(), LINGER_MS);
    this.#socket.once('close', () => clearTimeout(timer));
  }

  cut(reset: boolean): void {
    if (reset && this.#context.resettable) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  #onSocketClose(): void {
    for (const exchange of this.#open) exchange.settle('aborted');
    this.#newest?.body.fail('client_closed');
  }
}
