/** Servers of MCP 2024-11-05 whose path is another than the public one: their clients post to Obex, and nowhere else. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { closeServer } from '../../src/demo/loopback.ts';
import { listenOnLoopback } from '../support/loopback-server.ts';
import { bearer, bodyOf, formatConfig, formatRequest, PUBLIC_URL, startTestObex } from '../support/obex.ts';
import { reply } from '../support/recording-backend.ts';
import { type StackOptions, startPhase1 } from '../support/stack.ts';
import { PLAIN_HTTP1 } from '../support/transport.ts';

const TOKEN = bearer('anything');
const SSE = { resourceUrl: `${PUBLIC_URL}/crm/sse`, backendPath: '/app/sse' };

/** The SDK's server of 2024-11-05 at `/app/sse`, which has its messages at `/app/messages`. */
async function startSseServer(context: TestContext): Promise<number> {
  const transports = new Map<string, SSEServerTransport>();
  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://backend');
    if (request.method === 'GET' && pathname === '/app/sse') {
      const transport = new SSEServerTransport('/app/messages', response);
      transports.set(transport.sessionId, transport);
      const mcp = new McpServer({ name: 'old', version: '1.0.0' });
      mcp.registerTool('where', {}, () => ({ content: [{ type: 'text', text: `at ${pathname}` }] }));
      await mcp.connect(transport);
      return;
    }
    const transport = transports.get(searchParams.get('sessionId') ?? '');
    if (pathname !== '/app/messages' || transport === undefined) response.writeHead(404).end();
    else await transport.handlePostMessage(request, response);
  });
  const port = await listenOnLoopback(server);
  context.after(() => closeServer(server));
  return port;
}

/** Opens the stream of a recording backend that says this, and reads all that comes of it. */
async function readStream(context: TestContext, options: StackOptions, stream: (host: string) => string) {
  const { obex, backend } = await startPhase1(context, options);
  const said = stream(`127.0.0.1:${backend.port}`);
  backend.answer = ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n${said}`);
    socket.end();
  };
  const target = new URL(options.resourceUrl ?? '').pathname;
  const response = await obex.send({ target, lines: [TOKEN, 'Accept: text/event-stream'] });
  return { obex, response, text: response.body.toString() };
}

describe('MCP 2024-11-05 behind another path', () => {
  it('the SDK connects, and its messages reach the server', PLAIN_HTTP1, async (context) => {
    const port = await startSseServer(context);
    const config = formatConfig({ backend: { port }, ...SSE });
    const obex = await startTestObex(context, config);
    const url = new URL(`http://127.0.0.1:${obex.port}/crm/sse`);
    const client = new Client({ name: 'old client', version: '1.0.0' });
    await client.connect(new SSEClientTransport(url, { requestInit: { headers: { Authorization: 'Bearer x' } } }));
    assert.deepEqual(await client.callTool({ name: 'where', arguments: {} }), {
      content: [{ type: 'text', text: 'at /app/sse' }],
    });
    await client.close();
  });

  const translated: readonly (readonly [title: string, endpoint: (host: string) => string, expected: string])[] = [
    ['a path', () => '/app/messages/?session_id=a%2Fb', '/crm/messages/?session_id=a%2Fb'],
    ['a relative path', () => 'messages?x', '/crm/messages?x'],
    ['the origin of the backend', (host) => `http://${host}/app/messages`, `${PUBLIC_URL}/crm/messages`],
    ['the origin under another scheme', (host) => `HTTPS://${host}/app/messages`, `${PUBLIC_URL}/crm/messages`],
    ['the public origin', () => `${PUBLIC_URL}/crm/messages`, `${PUBLIC_URL}/crm/messages`],
    ['a query alone', () => '?session_id=1', '?session_id=1'],
  ];
  for (const [title, endpoint, expected] of translated)
    it(`${title} is translated, and nothing else of the stream`, async (context) => {
      const frame = (reference: string): string =>
        `: hello\r\n\r\nevent: endpoint\r\ndata: ${reference}\r\n\r\nevent: message\r\ndata: {"endpoint":"/app/x"}\r\n\r\n`;
      const { obex, response, text } = await readStream(context, SSE, (host) => frame(endpoint(host)));
      assert.equal(text, frame(expected));
      assert.deepEqual([response.status, response.complete], [200, true]);
      assert.deepEqual(obex.events('endpoint_event_refused'), []);
    });

  const faults: readonly (readonly [reason: string, endpoint: (host: string) => string, logged: string])[] = [
    ['elsewhere', () => 'https://evil.example/app/messages?secret=1', 'https://evil.example/app/messages'],
    ['elsewhere', () => '//evil.example/app/messages', '//evil.example/app/messages'],
    ['elsewhere', () => '/\\evil.example/app/messages', '/\\evil.example/app/messages'],
    ['elsewhere', (host) => `http://${host}@evil.example/app/messages`, 'http://evil.example/app/messages'],
    ['elsewhere', () => 'http://127.0.0.1:1/app/messages', 'http://127.0.0.1:1/app/messages'],
    ['outside', () => '/messages?secret=1', '/messages'],
    ['outside', () => '/app/../messages', '/app/../messages'],
    ['outside', () => `${PUBLIC_URL}/other/messages`, `${PUBLIC_URL}/other/messages`],
    ['not_one_line', () => '/app/\ndata: /evil.example/x', ''],
  ];
  for (const [reason, endpoint, logged] of faults)
    it(`${reason} ends the stream before the client hears of it: ${JSON.stringify(endpoint('BACKEND'))}`, async (context) => {
      const { obex, response, text } = await readStream(
        context,
        SSE,
        (host) => `: hello\n\nevent: endpoint\ndata: ${endpoint(host)}\n\ndata: more\n\n`,
      );
      assert.equal(response.complete, false);
      assert.doesNotMatch(text, /evil|secret|127\.0\.0\.1|messages|more/);
      const event = await obex.event('endpoint_event_refused');
      assert.deepEqual([event['level'], event['reason'], event['endpoint']], ['warn', reason, logged]);
      assert.equal(event['request_id'], response.values('x-obex-request-id')[0]);
    });

  it('a coded stream, in which no event can be seen, is 502', async (context) => {
    const { obex, backend } = await startPhase1(context, SSE);
    backend.answer = ({ socket }) =>
      reply(socket, '200 OK', ['Content-Type: text/event-stream', 'Content-Encoding: gzip'], 'x');
    const response = await obex.send({ target: '/crm/sse', lines: [TOKEN] });
    assert.deepEqual([response.status, bodyOf(response)['reason']], [502, 'backend_protocol_error']);
  });

  it('a stream is not read where the paths are the same, nor the answer to a POST', async (context) => {
    const stream = 'event: endpoint\ndata: https://other.example/messages\n\n';
    const same = { resourceUrl: `${PUBLIC_URL}/app/sse`, backendPath: '/app/sse' };
    assert.equal((await readStream(context, same, () => stream)).text, stream);
    const { obex, backend } = await startPhase1(context, SSE);
    backend.answer = ({ socket }) => reply(socket, '200 OK', ['Content-Type: text/event-stream'], stream);
    const answer = await obex.send({ method: 'POST', target: '/crm/sse', lines: [TOKEN], body: '{}' });
    assert.equal(answer.body.toString(), stream);
  });

  it('a drain ends the stream between two events, as any other', async (context) => {
    const { obex, backend } = await startPhase1(context, SSE);
    backend.answer = ({ socket }) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: endpoint\ndata: /app/m\n\nevent: e',
      );
    };
    const client = await obex.open();
    await client.send(formatRequest({ target: '/crm/sse', lines: [TOKEN, 'Accept: text/event-stream'] }));
    await client.readUntil('/crm/m');
    const drained = obex.obex.drain();
    const response = await client.readResponse();
    assert.deepEqual([response.complete, response.body.toString()], [true, 'event: endpoint\ndata: /crm/m\n\n']);
    await drained;
  });
});
