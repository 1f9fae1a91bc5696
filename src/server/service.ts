/** What every request meets, whichever server it is for. A reload makes a new one. */
import type { Charge } from '../gate/charge.ts';
import type { Exchange, ServerLimits } from '../wire/exchange.ts';
import type { ClientAddress } from './client-address.ts';
import type { ResolveClientCertificate } from './client-certificate.ts';
import type { Cors } from './cors.ts';
import type { JudgeRefusal } from './refusal-loop.ts';
import type { SelectRoute } from './route.ts';

/** Which access lines are written. */
export type AccessLog = 'all' | 'denied' | 'off';

export interface Service {
  readonly selectRoute: SelectRoute;
  readonly resolveClientAddress: (exchange: Exchange) => ClientAddress;
  readonly resolveClientCertificate: ResolveClientCertificate;
  readonly cors: Cors;
  /** For answers that need no authentication; those that do are charged by it. */
  readonly chargeClient: Charge;
  /** Undefined in phase 1, which verifies no token. */
  readonly judgeRefusal: JudgeRefusal | undefined;
  readonly limits: ServerLimits;
  readonly accessLog: AccessLog;
}
