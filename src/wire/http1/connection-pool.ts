/** What the connections to one backend share. RFC 9112 §9.3. */
import type { BackendExchange } from './backend-exchange.ts';
import type { Connect } from './connect.ts';
import type { Outbox } from './outbox.ts';
import type { ResponseLimits } from './response-reader.ts';

export interface ConnectionPool<Connection> extends ResponseLimits {
  readonly nowMs: number;
  readonly outbox: Outbox;
  readonly connect: Connect;
  readonly isTls: boolean;
  readonly connectTimeoutMs: number;
  readonly headTimeoutMs: number;
  /** The connection is idle and may serve another request. */
  release(connection: Connection, keepAliveSeconds: number | undefined): void;
  /** The connection is closed, or was never made. */
  forget(connection: Connection): void;
  onBug(error: unknown): void;
  /** The exchange met a connection that the backend had already closed, and may be sent again. */
  retry(exchange: BackendExchange): void;
}
