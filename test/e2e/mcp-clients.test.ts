/** The official MCP clients against a real MCP server, through Obex in phase 2, with a real IdP. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { DEMO_USER } from '../../src/demo/login-page.ts';
import type { Stage } from '../../src/demo/stage.ts';
import { REQUIRED_SCOPE, startStage } from '../../src/demo/stage.ts';
import type { Turnstile } from '../../src/demo/turnstile.ts';
import { createTurnstile } from '../../src/demo/turnstile.ts';
import { freePort } from '../support/free-port.ts';
import type { ConnectClient, ConnectedClient } from '../support/mcp-clients.ts';
import { connectV1, connectV2, connectV2Modern } from '../support/mcp-clients.ts';
import { startObexProcess } from '../support/obex-process.ts';
import type { ObservedExchange } from '../support/observed-fetch.ts';
import { PROCESS_ENV } from '../support/transport.ts';
import { until } from '../support/until.ts';

interface Peer {
  readonly name: string;
  readonly connect: ConnectClient;
  readonly protocolVersion: string;
}

const SESSION_PEERS: readonly Peer[] = [
  { name: '@modelcontextprotocol/sdk 1.x', connect: connectV1, protocolVersion: '2025-11-25' },
  { name: '@modelcontextprotocol/client 2.x', connect: connectV2, protocolVersion: '2025-11-25' },
];

const MODERN_PEER: Peer = {
  name: '@modelcontextprotocol/client 2.x',
  connect: connectV2Modern,
  protocolVersion: '2026-07-28',
};

let stage: Stage;
let turnstile: Turnstile;

before(async () => {
  stage = await startStage({
    startObex: (yaml) => startObexProcess({ config: yaml, env: PROCESS_ENV }),
    port: await freePort(),
    pause: () => turnstile.wait(),
  });
});

after(() => stage.stop());

beforeEach(() => {
  turnstile = createTurnstile();
});

for (const peer of [...SESSION_PEERS, MODERN_PEER]) {
  describe(`MCP ${peer.protocolVersion}, ${peer.name}`, () => {
    let client: ConnectedClient;

    before(async () => {
      client = await peer.connect(stage.resource);
    });

    after(() => client.close());

    it('finds the IdP from the 401 alone, registers there and logs in', () => {
      const refused = client.exchanges.findIndex((exchange) => exchange.status === 401);
      const discovery = client.exchanges.slice(refused, refused + 3).map(describeExchange);
      const resource = new URL(stage.resource);
      assert.deepEqual(discovery, [
        `POST ${stage.resource} 401`,
        `GET ${resource.origin}/.well-known/oauth-protected-resource/mcp 200`,
        `GET ${stage.idp.issuer}/.well-known/oauth-authorization-server 200`,
      ]);
      assert.equal(refused, 0, 'the client knew nothing before');
      assert.equal(client.login.tokens()?.scope, REQUIRED_SCOPE);
      assert.equal(client.protocolVersion, peer.protocolVersion);
    });

    it('lists tools', async () => {
      assert.deepEqual(await client.listToolNames(), ['whoami', 'add', 'countdown']);
    });

    it('calls a tool, which hears from Obex who is calling', async () => {
      const lines = (await client.callTool('whoami', {})).split('\n');
      const { client_id: clientId } = client.login.clientInformation() ?? {};
      assert.deepEqual(
        lines.filter((line) => !line.startsWith('x-obex-request-id: ')),
        [
          `x-obex-client: ${clientId}`,
          `x-obex-issuer: ${stage.idp.issuer}`,
          `x-obex-scopes: ${REQUIRED_SCOPE}`,
          `x-obex-user: ${DEMO_USER}`,
        ],
      );
    });

    it('receives every progress notification before the server sends the next', async () => {
      const received: number[] = [];
      const result = await client.callTool('countdown', { from: 3, delay_ms: 0 }, (progress) => {
        received.push(progress);
        turnstile.admit();
      });
      assert.deepEqual(received, [1, 2, 3]);
      assert.equal(result, 'Lift-off!');
    });

    it('keeps its token from the MCP server', () => {
      const accessToken = client.login.tokens()?.access_token ?? assert.fail('the client has no token');
      for (const { target, fields } of stage.mcpServer.requests) {
        assert.ok(![target, ...fields].some((text) => text.includes(accessToken)));
        assert.ok(!fields.some((text) => text.toLowerCase() === 'authorization'));
      }
    });
  });
}

for (const peer of SESSION_PEERS) {
  describe(`MCP 2025-11-25 Streamable HTTP sessions, ${peer.name}`, () => {
    it('opens the GET stream of its session', async () => {
      const client = await peer.connect(stage.resource);
      await client.listToolNames();
      const stream = await until('the GET stream', () =>
        client.exchanges.find(({ method, url }) => method === 'GET' && url === stage.resource),
      );
      assert.equal(stream.status, 200);
      assert.equal(stream.responseHeaders.get('content-type'), 'text/event-stream');
      assert.equal(stream.requestHeaders.get('mcp-session-id'), client.sessionId);
      await client.close();
    });

    it('resumes a broken stream by GET with Last-Event-ID and misses nothing', async () => {
      const client = await peer.connect(stage.resource);
      const received: number[] = [];
      const result = await client.callTool('countdown', { from: 3, delay_ms: 0 }, (progress) => {
        received.push(progress);
        if (progress === 1) client.cutStream();
        turnstile.admit();
      });
      assert.deepEqual(received, [1, 2, 3]);
      assert.equal(result, 'Lift-off!');

      const resumed = client.exchanges.findLast((exchange) => exchange.requestHeaders.has('last-event-id'));
      assert.ok(resumed, 'the client never resumed');
      assert.equal(describeExchange(resumed), `GET ${stage.resource} 200`);
      assert.equal(resumed.responseHeaders.get('content-type'), 'text/event-stream');
      await client.close();
    });

    it('ends its session with DELETE, and the 404 that follows is the server’s own', async () => {
      const client = await peer.connect(stage.resource);
      const { sessionId } = client;
      assert.ok(sessionId);
      await client.terminateSession();
      const ended = client.exchanges.at(-1) ?? assert.fail('nothing was sent');
      assert.equal(describeExchange(ended), `DELETE ${stage.resource} 200`);
      assert.equal(ended.requestHeaders.get('mcp-session-id'), sessionId);

      const late = await fetch(stage.resource, {
        method: 'DELETE',
        headers: {
          Authorization: `Bearer ${client.login.tokens()?.access_token}`,
          'Mcp-Session-Id': sessionId,
          'MCP-Protocol-Version': peer.protocolVersion,
        },
      });
      assert.equal(late.status, 404);
      assert.deepEqual(await late.json(), {
        jsonrpc: '2.0',
        error: { code: -32001, message: 'Session not found' },
        id: null,
      });
      await client.close();
    });
  });
}

describe('MCP 2026-07-28 Streamable HTTP', () => {
  it('works without session, GET stream and initialize, and its header fields reach the server', async () => {
    const seenBefore = stage.mcpServer.requests.length;
    const client = await MODERN_PEER.connect(stage.resource);
    await client.callTool('add', { a: 2, b: 3 });
    await client.close();

    assert.equal(client.sessionId, undefined);
    const seen = stage.mcpServer.requests.slice(seenBefore);
    assert.deepEqual(
      seen.map(({ method, fields }) => [method, fieldValue(fields, 'mcp-method'), fieldValue(fields, 'mcp-name')]),
      [
        ['POST', 'server/discover', undefined],
        ['POST', 'tools/call', 'add'],
      ],
    );
    for (const { fields } of seen) assert.equal(fieldValue(fields, 'mcp-protocol-version'), '2026-07-28');
  });
});

function describeExchange({ method, url, status }: ObservedExchange): string {
  return `${method} ${url} ${status}`;
}

function fieldValue(fields: readonly string[], name: string): string | undefined {
  const index = fields.findIndex((text, place) => place % 2 === 0 && text.toLowerCase() === name);
  return index === -1 ? undefined : fields[index + 1];
}
