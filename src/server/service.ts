/** What a request meets: everything that one configuration amounts to, frozen. A reload makes a new one. */
import type { Authenticate } from '../gate/authenticate.ts';
import type { Authorize } from '../gate/authorize.ts';
import type { Charge } from '../gate/charge.ts';
import type { Challenges } from '../oauth/challenge.ts';
import type { Forwarder } from '../proxy/forward.ts';
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
  readonly challenges: Challenges;
  readonly authenticate: Authenticate;
  /** For answers that need no authentication; those that do are charged by it. */
  readonly chargeClient: Charge;
  readonly authorize: Authorize;
  /** Undefined in phase 1, which verifies no token. */
  readonly judgeRefusal: JudgeRefusal | undefined;
  readonly forwarder: Forwarder;
  readonly limits: ServerLimits;
  readonly accessLog: AccessLog;
}
