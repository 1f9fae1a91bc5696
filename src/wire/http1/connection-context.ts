/** What the connections of one server share. RFC 9112 §9. */
import type { Socket } from 'node:net';
import type { ConnectionCertificate } from '../client-certificate.ts';
import type { ServerHandlers, ServerLimits } from '../exchange.ts';
import type { Outbox } from './outbox.ts';
import type { Sweep } from './timing.ts';

/** What a server asks of each of its connections. */
export interface Connection {
  /** No more requests after those that have begun. */
  drain(): void;
}

/** What is known of a connection when it begins to speak HTTP. */
export interface Accepted {
  readonly overloaded: boolean;
  readonly certificate: ConnectionCertificate;
}

export interface ConnectionContext {
  readonly handlers: ServerHandlers;
  readonly sweep: Sweep;
  readonly outbox: Outbox;
  readonly limits: ServerLimits;
  readonly draining: boolean;
  readonly date: string;
  connectionClosed(connection: Connection, socket: Socket): void;
}
