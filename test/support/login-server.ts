/** An authorization server to be attacked: in process, in front of a real IdP, with its store, log and clock in reach. */
import type { TestContext } from 'node:test';
import type { Configuration } from 'oidc-provider';
import type { LoginOptions } from '../../src/login/options.ts';
import { type DocumentSettings, type LoginServer, startLoginServer } from '../../src/login/server.ts';
import type { PublicKey } from '../../src/login/signing-keys.ts';
import type { Log } from '../../src/observe/log.ts';
import type { Revocation } from '../../src/state/revoked-tokens.ts';
import type { FieldLines } from '../../src/wire/exchange.ts';
import { fieldValues } from '../../src/wire/field-values.ts';
import { parseObject } from './json.ts';
import { type LoginIdp, startLoginIdp } from './login-idp.ts';
import { loginOptions } from './login-options.ts';
import { type Stored, StoreTap } from './login-store.ts';

export const ISSUER = 'https://mcp.example.com';
export const RESOURCE = `${ISSUER}/mcp`;
/** 2026-03-01T12:00:00Z. */
const START_MS = Date.UTC(2026, 2, 1, 12);
const MINUTE_MS = 60_000;
const TURNS = 20;

export interface Asked {
  readonly method?: string;
  readonly target: string;
  readonly fields?: FieldLines;
  readonly body?: string | Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly fields: FieldLines;
  readonly text: string;
  readonly location: string | undefined;
}

export interface LoginSettings {
  readonly options?: Partial<LoginOptions>;
  readonly idp?: Configuration;
  readonly documents?: DocumentSettings;
}

export interface LogEvent {
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Login {
  readonly idp: LoginIdp;
  readonly server: LoginServer;
  readonly options: LoginOptions;
  readonly tap: StoreTap;
  readonly events: LogEvent[];
  /** Public keys, as they were announced. */
  readonly keys: (readonly PublicKey[])[];
  /** What was called back, as it was announced. */
  readonly revocations: (readonly Revocation[])[];
  /** The wall clock of everybody in this process. */
  readonly clock: { tick(ms: number): void; setTime(ms: number): void };
  /** What the login does each minute, once. */
  passMinute(): Promise<void>;
  ask(asked: Asked): Promise<Answer>;
  stored(): Promise<Stored>;
}

export async function startLogin(context: TestContext, settings: LoginSettings = {}): Promise<Login> {
  const { timers } = context.mock;
  timers.enable({ apis: ['Date'], now: START_MS });
  const minutely = catchIntervals(context);
  const tap = new StoreTap(context);
  const issuer = settings.options?.issuer ?? ISSUER;
  const idp = await startLoginIdp(`${issuer}/oauth/callback`, settings.idp);
  context.after(() => idp.stop());
  const options = { ...optionsFor(idp), ...settings.options };
  const events: LogEvent[] = [];
  const keys: (readonly PublicKey[])[] = [];
  const revocations: (readonly Revocation[])[] = [];
  // Not the mocked clock's own: it is the monotonic one, and goes on.
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const server = await startLoginServer(options, {
    clock,
    log: logTo(events),
    documents: settings.documents ?? {},
    onKeys: (now) => keys.push(now),
    onRevocations: (now) => revocations.push(now),
  });
  context.after(() => server.stop());
  return {
    idp,
    server,
    options,
    tap,
    events,
    keys,
    revocations,
    clock: timers,
    stored: () => tap.stored(),
    async passMinute() {
      for (const run of minutely) run();
      // What is run asks the store in memory alone.
      for (let turn = 0; turn < TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    },
    ask: asker(server),
  };
}

function optionsFor({ issuer, clientId, clientSecret }: LoginIdp): LoginOptions {
  const usual = loginOptions();
  const scopes = ['openid', 'email', 'profile', 'offline_access'];
  return {
    ...usual,
    issuer: ISSUER,
    resources: [{ resource: RESOURCE, scopesSupported: ['mcp:read', 'mcp:write'], requiredScopes: ['mcp:read'] }],
    upstream: { ...usual.upstream, issuer, clientId, clientSecret, scopes },
    allow: { everyone: false, emails: [], emailDomains: ['example.com'], groups: [], subjects: [] },
    refreshTokenTtlMs: 30 * 86_400_000,
    sessionTtlMs: 86_400_000,
    title: 'Obex',
  };
}

function asker(server: LoginServer): Login['ask'] {
  let requests = 0;
  return async ({ method = 'GET', target, fields = [], body = '' }) => {
    requests += 1;
    const request = { method, target, fields, body: Buffer.from(body), clientAddress: '203.0.113.7' };
    return toAnswer(await server.handle({ ...request, requestId: `request-${requests}` }));
  };
}

/** Another replica of a login: the same options, with its store in a file, the same IdP, the same time. */
export async function startReplica(context: TestContext, login: Login): Promise<Login> {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const hooks = { clock, log: logTo(login.events), onKeys: () => undefined, onRevocations: () => undefined };
  const server = await startLoginServer(login.options, hooks);
  context.after(() => server.stop());
  return { ...login, server, ask: asker(server) };
}

/** Intervals of a minute never come by themselves. */
function catchIntervals({ mock }: TestContext): readonly (() => void)[] {
  const caught: (() => void)[] = [];
  const real = globalThis.setInterval;
  mock.method(globalThis, 'setInterval', (run: () => void, ms: number) => {
    if (ms === MINUTE_MS) caught.push(run);
    return real(ms === MINUTE_MS ? () => undefined : run, ms);
  });
  return caught;
}

function logTo(events: LogEvent[]): Log {
  const write = (event: string, fields = {}): void => void events.push({ event, fields });
  return { debug: write, info: write, warn: write, error: write, setLevel: () => undefined };
}

type ServerAnswer = Awaited<ReturnType<LoginServer['handle']>>;

function toAnswer({ status, fields, body }: ServerAnswer): Answer {
  const [location] = fieldValues(fields, 'location');
  return { status, fields, text: Buffer.from(body).toString(), location };
}

/** The one value of a field; undefined when it is absent, an error when it stands twice. */
export function fieldOf({ fields }: Answer, name: string): string | undefined {
  const [value, ...more] = fieldValues(fields, name);
  if (more.length > 0) throw new Error(`${name} stands twice`);
  return value;
}

/** What a program is answered: status and JSON, without what is for people. */
export function errorOf({ status, text }: Answer): { readonly status: number; readonly error: unknown } {
  return { status, error: parseObject(text)['error'] };
}
