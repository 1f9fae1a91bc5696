/** Obex between a recording backend and, in phase 2, a test issuer: what most end-to-end tests begin with. */
import { FakeClock } from './fake-clock.ts';
import { bearer, type Cleanup, type ConfigParts, formatConfig, startTestObex, type TestObex } from './obex.ts';
import { type RecordingBackend, startRecordingBackend } from './recording-backend.ts';
import { type IssuerKey, startTestIssuer, type TestIssuer, type TokenOptions } from './test-issuer.ts';

export interface StackOptions {
  readonly sections?: ConfigParts['sections'];
  readonly publicUrl?: string;
  readonly resourceUrl?: string;
  readonly backendPath?: string;
  readonly issuerKey?: IssuerKey;
}

export interface Phase1Stack {
  readonly obex: TestObex;
  readonly clock: FakeClock;
  readonly backend: RecordingBackend;
  /** The config in force with these sections instead. */
  config(sections?: ConfigParts['sections']): string;
}

export interface Phase2Stack extends Phase1Stack {
  readonly issuer: TestIssuer;
  /** The Authorization field line of a new token. */
  authorization(options?: TokenOptions): Promise<string>;
}

export async function startPhase1(cleanup: Cleanup, options: StackOptions = {}): Promise<Phase1Stack> {
  const clock = new FakeClock();
  const backend = await startRecordingBackend(cleanup);
  const config = (sections: ConfigParts['sections'] = {}): string => formatConfig({ ...options, backend, sections });
  const obex = await startTestObex(cleanup, config(options.sections), clock);
  return { obex, clock, backend, config };
}

/** Resolves when Obex has the issuer's keys. */
export async function startPhase2(cleanup: Cleanup, options: StackOptions = {}): Promise<Phase2Stack> {
  const stack = await startPhase2Cold(cleanup, options, async () => {});
  await stack.obex.event('jwks_fetched');
  return stack;
}

/** As `startPhase2`, but `prepare` may do something to the issuer first, and nobody waits for its keys. */
export async function startPhase2Cold(
  cleanup: Cleanup,
  options: StackOptions,
  prepare: (issuer: TestIssuer) => void | Promise<void>,
): Promise<Phase2Stack> {
  const clock = new FakeClock();
  const backend = await startRecordingBackend(cleanup);
  const issuer = await startTestIssuer(cleanup, clock, options.issuerKey);
  await prepare(issuer);
  const config = (sections: ConfigParts['sections'] = {}): string =>
    formatConfig({ ...options, backend, issuer, sections });
  const obex = await startTestObex(cleanup, config(options.sections), clock);
  return { obex, clock, backend, config, issuer, authorization: async (token) => bearer(await issuer.token(token)) };
}
