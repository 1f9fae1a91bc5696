/** One request from its head to its last byte: its id, its time, how it ended, and what is told of it. */
import { randomUUID } from 'node:crypto';
import type { Sender } from '../gate/certificate-binding.ts';
import type { ClientCertificate } from '../lib/client-certificate.ts';
import { ownText } from '../lib/own-text.ts';
import { type Credentials, parseCredentials } from '../oauth/credentials.ts';
import { type Denial, type DenialReason, isDenied } from '../oauth/denial.ts';
import type { Principal } from '../oauth/principal.ts';
import { formatAccessLine } from '../observe/access-line.ts';
import type { Log } from '../observe/log.ts';
import type { Observers } from '../observe/observers.ts';
import type { Vouched } from '../proxy/backend-headers.ts';
import type { ForwardedRequest, Forwarding } from '../proxy/forward.ts';
import type { Exchange, ExchangeOutcome, ExchangeOwner, FieldLines } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import type { Answerable } from './answerable.ts';
import type { ClientAddress } from './client-address.ts';
import { respondDenial } from './respond.ts';
import type { Server } from './server.ts';
import type { Service } from './service.ts';

const NO_FIELDS: FieldLines = [];

export class RequestLife implements Answerable, ExchangeOwner, ForwardedRequest, Sender {
  readonly exchange: Exchange;
  readonly service: Service;
  readonly requestId = ownText(randomUUID());
  readonly clientAddress: ClientAddress;
  /** Whom it is for; undefined as long as that is not known, and where Obex answers by itself. */
  server: Server | undefined;
  principal: Principal | undefined;
  /** The way to the backend and back, from the moment that it is taken. */
  forwarding: Forwarding | undefined;
  /** No access line is to be written. */
  isQuiet = false;
  readonly #observers: Observers;
  readonly #startedMs: number;
  #addedFields: FieldLines = [];
  #status = 0;
  #denial: Denial | undefined;
  #isOver = false;

  constructor(exchange: Exchange, service: Service, observers: Observers) {
    this.exchange = exchange;
    this.service = service;
    this.#observers = observers;
    this.#startedMs = observers.clock.monotonicMs();
    this.clientAddress = service.resolveClientAddress(exchange);
    observers.metrics.began();
    exchange.owner = this;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get clientCertificate(): ClientCertificate {
    return this.service.resolveClientCertificate(this.exchange);
  }

  get connectionCertificate(): ClientCertificate {
    return this.exchange.clientCertificate;
  }

  get ownFields(): FieldLines {
    const corsFields = this.service.cors.fields(this.exchange.head);
    return ['X-Obex-Request-ID', this.requestId, ...corsFields, ...this.#addedFields];
  }

  /** What the backend is told beside the request itself. */
  get vouched(): Vouched {
    if (this.principal === undefined) throw new Error('a request is passed on that nobody was admitted for');
    return {
      identityFields: this.principal.identityFields,
      requestId: this.requestId,
      receivedProtocol: this.exchange.receivedProtocol,
      clientAddress: this.clientAddress.address,
    };
  }

  get principalKey(): string {
    return this.principal?.rateLimitKey ?? '';
  }

  /** Authentication is done: `fields` stand on the answer. */
  admit(principal: Principal, fields: FieldLines): void {
    this.principal = principal;
    this.#addedFields = fields;
  }

  get presentedToken(): string | undefined {
    return this.#credentials?.accessToken;
  }

  get log(): Log {
    return this.#observers.log;
  }

  responding(status: number, denial?: Denial): void {
    this.#status = status;
    this.#denial = denial;
    const { metrics, clock } = this.#observers;
    metrics.responded(status, (clock.monotonicMs() - this.#startedMs) / 1000);
    if (denial !== undefined) metrics.denied(denial.reason);
    this.server?.metrics?.responded(status, denial?.reason);
  }

  judge(found: Denial): Denial {
    return this.service.judgeRefusal?.(found, this) ?? found;
  }

  /** In the scheme that the client used. */
  challenge(reason: DenialReason): FieldLines {
    return this.server?.challenges(reason, this.#credentials?.scheme) ?? NO_FIELDS;
  }

  refuse(denial: Denial): void {
    respondDenial(this, denial);
  }

  get #credentials(): Credentials | undefined {
    const credentials = parseCredentials(fieldValues(this.exchange.head.fields, 'authorization'));
    return isDenied(credentials) ? undefined : credentials;
  }

  onClose(outcome: ExchangeOutcome): void {
    this.#isOver = true;
    this.forwarding?.end();
    this.#observers.metrics.ended(outcome);
    const { accessLog } = this.service;
    if (this.isQuiet || accessLog === 'off' || (accessLog === 'denied' && this.#denial === undefined)) return;
    this.#observers.accessLines.write(
      formatAccessLine({
        nowMs: this.#observers.clock.nowMs(),
        requestId: this.requestId,
        server: this.server?.name,
        clientAddress: this.clientAddress.address,
        head: this.exchange.head,
        status: this.#status,
        durationMs: this.#observers.clock.monotonicMs() - this.#startedMs,
        bytesSent: this.exchange.bytesSent,
        outcome,
        accessToken: this.principal?.accessToken,
        denial: this.#denial,
      }),
    );
  }
}
