/** One protected MCP server: what the requests to it meet, and nobody else's. Frozen; a reload makes a new one. RFC 9728 §1. */
import type { Authenticate } from '../gate/authenticate.ts';
import type { Authorize } from '../gate/authorize.ts';
import type { Challenges } from '../oauth/challenge.ts';
import type { Denial } from '../oauth/denial.ts';
import type { ServerMetrics } from '../observe/server-metrics.ts';
import type { Forwarder } from '../proxy/forward.ts';

export interface Server {
  /** Undefined where there is but one. */
  readonly name: string | undefined;
  /** What is counted of it apart; undefined where there is but one. */
  readonly metrics: ServerMetrics | undefined;
  readonly challenges: Challenges;
  /** For whoever wants to register or log in here; undefined in phase 1, where the backend may well be the place. */
  readonly noAuthorizationServer: Denial | undefined;
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly forwarder: Forwarder;
}
