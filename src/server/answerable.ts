/** A request as those see it who answer it by themselves: what its answer is made of, and who hears of it. RFC 9110 §15. */
import type { Denial, DenialReason } from '../oauth/denial.ts';
import type { Log } from '../observe/log.ts';
import type { Exchange, FieldLines } from '../wire/exchange.ts';
import type { ClientAddress } from './client-address.ts';

export interface Answerable {
  readonly exchange: Exchange;
  readonly requestId: string;
  readonly clientAddress: ClientAddress;
  /** True when there is nobody left to answer. */
  readonly isOver: boolean;
  /** Fields that stand on every answer to this request: its id, CORS, what authentication added. */
  readonly ownFields: FieldLines;
  readonly log: Log;
  /** A response head leaves; `denial` when it is a refusal. */
  responding(status: number, denial?: Denial): void;
  /** The refusal that the client gets in the place of `found`. */
  judge(found: Denial): Denial;
  /** What a client that is refused for this reason is told to do next. */
  challenge(reason: DenialReason): FieldLines;
}
