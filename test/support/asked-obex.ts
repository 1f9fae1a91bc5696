/** Obex with `login`, in front of an authorization server that a test plays itself: what reaches it, and what comes of its answers. */

import { readRuntimeFiles } from '../../src/compose/files.ts';
import { startObex } from '../../src/obex.ts';
import { createObservers } from '../../src/observe/observers.ts';
import type { AskLogin, LoginAnswer, LoginRequest } from '../../src/state/login-channel.ts';
import { createOwnTruth } from '../../src/state/process-wide.ts';
import type { FollowRevocations, Revocation } from '../../src/state/revoked-tokens.ts';
import { FakeClock } from './fake-clock.ts';
import { type Cleanup, parseConfig, type RequestText, sendOn } from './obex.ts';
import { openRaw, type RawClient, type RawResponse } from './raw-http.ts';
import { issuerKey } from './test-issuer.ts';

export const OWN_ORIGIN = 'https://tool.example.com';

export const OWN_KEY = issuerKey('ES256', 'own-key');

/** An answer of the authorization server, with one thing changed. */
export function loginAnswer(override: Partial<LoginAnswer> = {}): LoginAnswer {
  return { status: 200, fields: ['Content-Type', 'application/json'], body: Buffer.from('{}'), ...override };
}

export interface AskedObex {
  /** What the authorization server was asked. */
  readonly asked: readonly LoginRequest[];
  output(): string;
  /** From now on these tokens are called back, and no others. */
  revoke(...revocations: readonly Revocation[]): void;
  open(): Promise<RawClient>;
  /** One request on a connection of its own. */
  send(request: RequestText): Promise<RawResponse>;
}

export interface AskedObexOptions {
  /** Lines of YAML, beside the least that Obex needs. */
  readonly more?: string;
  readonly clock?: FakeClock;
}

export async function startAskedObex(
  cleanup: Cleanup,
  answer: AskLogin,
  { more = '', clock = new FakeClock() }: AskedObexOptions = {},
): Promise<AskedObex> {
  let output = '';
  const asked: LoginRequest[] = [];
  const ask: AskLogin = (request) => {
    asked.push(request);
    return answer(request);
  };
  const followKeys = (accept: (jwks: readonly object[]) => void): (() => void) => {
    accept([OWN_KEY.jwk]);
    return () => undefined;
  };
  let accept: Parameters<FollowRevocations>[0] = () => undefined;
  const followRevocations: FollowRevocations = (follower) => {
    accept = follower;
    return () => undefined;
  };
  const config = parseConfig(`${CONFIG}${more}`);
  const observers = createObservers('info', { write: (line) => void (output += line) }, { clock });
  const shared = createOwnTruth(observers, { login: { ask, followKeys, followRevocations } });
  const obex = await startObex(config, observers, {
    shared,
    files: readRuntimeFiles(config),
    port: 0,
    listensForMetrics: true,
  });
  cleanup.after(() => obex.stop());
  const open = async (): Promise<RawClient> => {
    const client = await openRaw(obex.port);
    cleanup.after(() => client.destroy());
    return client;
  };
  return {
    asked,
    output: () => output,
    revoke: (...revocations) => accept(revocations),
    open,
    send: async (request) => sendOn(await open(), request),
  };
}

const CONFIG = `obex: { public_url: "${OWN_ORIGIN}", listen: "127.0.0.1:0" }
backend: { url: "http://127.0.0.1:1" }
resource: { url: "${OWN_ORIGIN}/mcp", scopes_supported: ["mcp:read"] }
login:
  issuer: "https://idp.example"
  client_id: obex
  client_secret: secret
  dangerously_allow_everyone: true
`;
