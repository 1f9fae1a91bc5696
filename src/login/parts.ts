/** What the endpoints of one configuration work with. */
import type Provider from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../observe/log.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import type { RateLimiter } from '../state/rate-limiter.ts';
import type { EndedFlows } from './ended-flows.ts';
import type { Families } from './family.ts';
import type { Flow } from './flow.ts';
import type { Inject } from './inject.ts';
import type { LoginOptions } from './options.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import type { RememberedConsents } from './remembered-consents.ts';
import type { SealedCookies } from './sealed-cookies.ts';
import type { Records } from './store/records.ts';
import type { Upstream, Verifier } from './upstream/upstream.ts';
import type { UpstreamStates } from './upstream-state.ts';

export interface LoginParts {
  readonly options: LoginOptions;
  readonly provider: Provider;
  readonly inject: Inject;
  readonly upstream: Upstream;
  readonly cookies: {
    readonly flow: SealedCookies<Flow>;
    /** From the consent to the answer of the IdP. */
    readonly state: SealedCookies<Verifier>;
  };
  readonly consents: RememberedConsents;
  readonly states: UpstreamStates;
  readonly ended: EndedFlows;
  readonly families: Families;
  /** By family. */
  readonly refreshRate: RateLimiter;
  readonly refreshTokens: RefreshTokens;
  /** Flows that were granted something: each is once. */
  readonly granted: Records<string>;
  /** By the whole `state`: of each return from the IdP the IdP is asked once. */
  readonly returned: Records<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers requests for one path. What it throws is answered by the server. */
export type Respond = (request: LoginRequest) => Promise<LoginAnswer>;
