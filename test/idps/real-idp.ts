/** What the tests here ask of an identity provider, whatever it is, and how they talk to it. RFC 6749 §4.4, §6. */
import { decodeJwt } from 'jose';
import { z } from 'zod';
import { type Child, type ChildOptions, startChild } from '../support/child.ts';
import { until } from '../support/until.ts';

/** What it is to know. */
export interface IdpOptions {
  /** What the tokens are for. */
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Of the public client. */
  readonly redirectUrl: string;
}

export interface RealIdp {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  stop(): Promise<void>;
}

/** The one that may use client credentials, with `client_secret_basic`. */
export const PROGRAM = { id: 'my-client', secret: 'my-client-secret' } as const;
/** The one by which people log in through Obex: confidential, with `client_secret_basic`, and the same redirect URL as the public one. */
export const LOGIN_CLIENT = { id: 'obex', secret: 'obex-secret' } as const;
/** The public one, for people who log in. */
export const PUBLIC_CLIENT = 'my-mcp-client';
export const PERSON = { name: 'alice', email: 'alice@example.com', password: 'alice-password' } as const;

const TIMEOUT_MS = 60_000;
/** A JVM on a busy machine takes its time. */
const START_MS = 5 * 60_000;

const Tokens = z.looseObject({ access_token: z.string(), refresh_token: z.string().optional() });
export type Tokens = z.output<typeof Tokens>;

/** Starts a program and waits until its discovery document is there; a program that ends instead fails at once. */
export async function startServer(options: ChildOptions, discoveryUrl: string): Promise<Child> {
  const child = startChild(options);
  const outcome = await until(
    `${options.command} to answer at ${discoveryUrl}`,
    async () => {
      if (child.exitStatus() !== undefined) return 'ended';
      const { ok } = await fetch(discoveryUrl, { signal: AbortSignal.timeout(TIMEOUT_MS) });
      return ok ? 'up' : undefined;
    },
    START_MS,
  ).catch(async (error: unknown) => {
    await child.stop();
    throw error;
  });
  if (outcome === 'up') return child;
  throw new Error(`${options.command} has ended: ${child.stdout()}${child.stderr()}`);
}

/** The discovery document of OpenID Connect. */
export function discoveryUrlOf(issuer: string): string {
  return `${issuer}/.well-known/openid-configuration`;
}

/** Client credentials for `PROGRAM`; more parameters as the IdP wants them. */
export function requestToken(idp: RealIdp, parameters: Readonly<Record<string, string>>): Promise<Tokens> {
  const credentials = btoa(`${PROGRAM.id}:${PROGRAM.secret}`);
  return post(
    idp.tokenEndpoint,
    { grant_type: 'client_credentials', ...parameters },
    { Authorization: `Basic ${credentials}` },
  );
}

/** New tokens for the public client. */
export function refresh(idp: RealIdp, refreshToken: string | undefined): Promise<Tokens> {
  if (refreshToken === undefined) throw new Error('the IdP gave no refresh token');
  return post(idp.tokenEndpoint, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: PUBLIC_CLIENT,
  });
}

/** The `sub` of a token that has one. */
export function subjectOf(token: string | undefined): string {
  const { sub } = decodeJwt(token ?? '');
  if (sub === undefined) throw new Error('the token has no sub');
  return sub;
}

async function post(
  url: string,
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body: new URLSearchParams(parameters),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const body = await response.text();
  if (!response.ok) throw new Error(`the IdP refused a token: ${response.status} ${body}`);
  return Tokens.parse(JSON.parse(body));
}
