/** What the endpoints of one configuration work with. */
import type Provider from 'oidc-provider';
import type { Clock } from '../lib/clock.ts';
import type { Log } from '../observe/log.ts';
import type { LoginAnswer, LoginRequest } from '../state/login-channel.ts';
import type { Families } from './family.ts';
import type { FlowCookies } from './flow-cookies.ts';
import type { Inject } from './inject.ts';
import type { LoginOptions } from './options.ts';
import type { RefreshTokens } from './refresh-tokens.ts';
import type { Records } from './store/records.ts';
import type { Upstream, Verifier } from './upstream/upstream.ts';

/** A login between the request of a client and the consent. */
export interface Flow {
  /** Digest of the flow cookie: the browser that began is the one that goes on. */
  readonly browser: string;
  /** Whoever has logged in may not use this server: the next one is to be asked who they are. */
  readonly asksForAnother: boolean;
}

/** A login between the consent and the answer of the IdP. */
export interface PendingLogin {
  /** Digest of the state cookie. */
  readonly browser: string;
  readonly verifier: Verifier;
}

export interface LoginParts {
  readonly options: LoginOptions;
  readonly provider: Provider;
  readonly inject: Inject;
  readonly upstream: Upstream;
  readonly cookies: FlowCookies;
  readonly families: Families;
  readonly refreshTokens: RefreshTokens;
  readonly flows: Records<Flow>;
  /** By flow. */
  readonly pending: Records<PendingLogin>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Answers requests for one path. What it throws is answered by the server. */
export type Respond = (request: LoginRequest) => Promise<LoginAnswer>;
