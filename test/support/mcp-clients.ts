/** The official MCP clients, 1.x and 2.x, logged in at the development IdP that their own discovery finds. */
import assert from 'node:assert/strict';
import * as v2 from '@modelcontextprotocol/client';
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { BrowserlessLogin } from '../../src/demo/browserless-login.ts';
import type { ObservedExchange, ObservedFetch } from './observed-fetch.ts';
import { createObservedFetch } from './observed-fetch.ts';

/** What the tests ask of a client, whatever its version. */
export interface ConnectedClient {
  /** Every exchange since the client was made: discovery, login and MCP. */
  readonly exchanges: readonly ObservedExchange[];
  readonly login: BrowserlessLogin;
  readonly protocolVersion: string | undefined;
  readonly sessionId: string | undefined;
  listToolNames(): Promise<string[]>;
  /** Calls a tool and returns the text of its result. */
  callTool(name: string, args: Record<string, unknown>, onProgress?: (progress: number) => void): Promise<string>;
  cutStream(): void;
  terminateSession(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects with nothing but the URL; the client must get a 401 first and find its way from there. `login` is for an IdP
 * other than the development IdP.
 */
export type ConnectClient = (url: string, login?: BrowserlessLogin) => Promise<ConnectedClient>;

/** A lost stream is resumed at once, and again while the server still answers 409 for the old one. */
const RECONNECTION = {
  initialReconnectionDelay: 1,
  maxReconnectionDelay: 10,
  reconnectionDelayGrowFactor: 1,
  maxRetries: 100,
};

const TIMEOUT_MS = 20_000;

/** `@modelcontextprotocol/sdk` 1.x: speaks 2025-11-25 and older. */
export const connectV1: ConnectClient = async (url, login = new BrowserlessLogin('test client 1.x')) => {
  const observed = createObservedFetch();
  const open = () =>
    new StreamableHTTPClientTransport(new URL(url), {
      authProvider: login,
      fetch: observed.fetch,
      reconnectionOptions: RECONNECTION,
    });
  const client = new Client({ name: 'test-client-1x', version: '1.0.0' });

  const refused = open();
  await assert.rejects(client.connect(refused), UnauthorizedError);
  await refused.finishAuth(login.callback.get('code') ?? '');
  const transport = open();
  await client.connect(transport);

  return {
    ...describeConnection(observed, login),
    protocolVersion: transport.protocolVersion,
    sessionId: transport.sessionId,
    listToolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
    async callTool(name, args, onProgress) {
      const options = {
        timeout: TIMEOUT_MS,
        ...(onProgress && { onprogress: (event: Progress) => onProgress(event.progress) }),
      };
      return firstText(await client.callTool({ name, arguments: args }, undefined, options));
    },
    terminateSession: () => transport.terminateSession(),
    close: () => client.close(),
  };
};

/** `@modelcontextprotocol/client` 2.x, as it comes: speaks 2025-11-25. */
export const connectV2: ConnectClient = (url, login) => connectV2In('legacy', url, login);

/** `@modelcontextprotocol/client` 2.x, held to 2026-07-28. */
export const connectV2Modern: ConnectClient = (url, login) => connectV2In({ pin: '2026-07-28' }, url, login);

async function connectV2In(
  mode: v2.VersionNegotiationMode,
  url: string,
  login = new BrowserlessLogin('test client 2.x'),
): Promise<ConnectedClient> {
  const observed = createObservedFetch();
  const open = () =>
    new v2.StreamableHTTPClientTransport(new URL(url), {
      authProvider: login,
      fetch: observed.fetch,
      reconnectionOptions: RECONNECTION,
    });
  const client = new v2.Client({ name: 'test-client-2x', version: '1.0.0' }, { versionNegotiation: { mode } });

  const refused = open();
  await assert.rejects(client.connect(refused), v2.UnauthorizedError);
  await refused.finishAuth(login.callback);
  const transport = open();
  await client.connect(transport);

  return {
    ...describeConnection(observed, login),
    protocolVersion: client.getNegotiatedProtocolVersion(),
    sessionId: transport.sessionId,
    listToolNames: async () => (await client.listTools()).tools.map((tool) => tool.name),
    async callTool(name, args, onProgress) {
      const options = {
        timeout: TIMEOUT_MS,
        ...(onProgress && { onprogress: (event: Progress) => onProgress(event.progress) }),
      };
      return firstText(await client.callTool({ name, arguments: args }, options));
    },
    terminateSession: () => transport.terminateSession(),
    close: () => client.close(),
  };
}

interface Progress {
  readonly progress: number;
}

function describeConnection(
  observed: ObservedFetch,
  login: BrowserlessLogin,
): Pick<ConnectedClient, 'exchanges' | 'login' | 'cutStream'> {
  return { exchanges: observed.exchanges, login, cutStream: () => observed.cutStream() };
}

function firstText(result: Readonly<Record<string, unknown>>): string {
  const [content]: unknown[] = Array.isArray(result['content']) ? result['content'] : [];
  assert.ok(typeof content === 'object' && content !== null && 'text' in content);
  return String(content.text);
}
