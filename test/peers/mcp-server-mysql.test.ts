/** A published MCP server with a secret of its own and a real database, behind Obex in phase 2, with a real IdP. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { requireDebianPackages } from '../support/debian-packages.ts';
import type { Glewlwyd } from '../support/glewlwyd.ts';
import { generateSigningKey, startGlewlwyd } from '../support/glewlwyd.ts';
import { startMariaDb } from '../support/mariadb.ts';
import type { MysqlMcpServer } from '../support/mysql-mcp-server.ts';
import { startMysqlMcpServer } from '../support/mysql-mcp-server.ts';
import type { ObexProcess } from '../support/obex-process.ts';
import { startObexProcess } from '../support/obex-process.ts';
import { formatPhase2Config, RESOURCE, SCOPE } from '../support/phase-2-config.ts';
import type { RawResponse } from '../support/raw-http.ts';
import { parseRecordedRequest, sendRawRequest } from '../support/raw-request.ts';
import type { RecordingHop } from '../support/recording-hop.ts';
import { startRecordingHop } from '../support/recording-hop.ts';

const SECRET = 'the-secret-between-obex-and-the-mysql-server';

const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'mysql_query', arguments: { sql: 'SHOW TABLES' } },
};
const BODY = JSON.stringify(CALL);
const POST = { method: 'POST', target: '/mcp', body: BODY } as const;
const HEADERS = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' } as const;

const running = new AsyncDisposableStack();
let server: MysqlMcpServer;
let hop: RecordingHop;
let idp: Glewlwyd;
let obex: ObexProcess;
let token: string;

before(async () => {
  requireDebianPackages();
  const database = running.adopt(
    await startMariaDb(['CREATE TABLE customers (id INT PRIMARY KEY);', 'CREATE TABLE orders (id INT PRIMARY KEY);']),
    (it) => it.stop(),
  );
  server = running.adopt(await startMysqlMcpServer({ database, secret: SECRET }), (it) => it.stop());
  hop = running.adopt(await startRecordingHop(server.port), (it) => it.stop());
  idp = running.adopt(
    await startGlewlwyd({ resources: [RESOURCE], scopes: [SCOPE], key: generateSigningKey('ES256') }),
    (it) => it.stop(),
  );
  obex = running.adopt(await startObex({ Authorization: 'Bearer ${MYSQL_MCP_SECRET}' }), (it) => it.stop());
  token = await idp.getToken({ scope: SCOPE });
});

after(() => running.disposeAsync());

beforeEach(() => hop.clear());

function startObex(backendHeaders: Record<string, string>): Promise<ObexProcess> {
  const config = formatPhase2Config({ backendPort: hop.port, backendHeaders, idp });
  return startObexProcess({ config, env: { MYSQL_MCP_SECRET: SECRET } });
}

function summarize(response: RawResponse): object {
  return {
    status: response.status,
    poweredBy: response.values('x-powered-by'),
    challenges: response.values('www-authenticate'),
    body: response.body.toString('utf8'),
  };
}

describe('@benborla29/mcp-server-mysql behind Obex', () => {
  it('answers the official client: tools/call mysql_query with SHOW TABLES lists the tables', async () => {
    const client = new Client({ name: 'obex-test', version: '1.0.0' });
    const transport = new StreamableHTTPClientTransport(new URL(`${obex.url}/mcp`), {
      requestInit: { headers: { Authorization: `Bearer ${token}` } },
    });
    await client.connect(transport);
    try {
      const { tools } = await client.listTools();
      const { content, isError } = CallToolResultSchema.parse(await client.callTool(CALL.params));

      assert.deepEqual(
        tools.map(({ name }) => name),
        ['mysql_query'],
      );
      assert.equal(isError, false);
      assert.ok(content[0]?.type === 'text');
      assert.deepEqual(JSON.parse(content[0].text), [{ Tables_in_shop: 'customers' }, { Tables_in_shop: 'orders' }]);
    } finally {
      await client.close();
    }
    assert.ok(hop.received().length > 0);
    for (const bytes of hop.received()) assertHoldsNothingOf(token, bytes);
  });

  it('is sent its own secret and, byte for byte, nothing of the token of the client', async () => {
    const response = await sendRawRequest({
      ...POST,
      port: obex.port,
      headers: {
        ...HEADERS,
        Authorization: `Bearer ${token}`,
        'User-Agent': 'obex-test',
        'X-Obex-User': 'root',
        X_Obex_Scopes: 'everything',
        'X-Forwarded-For': '192.0.2.1',
        Forwarded: 'for=192.0.2.1',
      },
    });

    assert.equal(response.status, 200);
    const [bytes = '', ...more] = hop.received();
    assert.deepEqual(more, []);
    assertHoldsNothingOf(token, bytes);
    const { requestLine, fieldLines, body } = parseRecordedRequest(bytes);
    assert.equal(requestLine, 'POST /mcp HTTP/1.1');
    assert.equal(body, BODY);
    assert.deepEqual(
      fieldLines
        .filter((line) => !line.toLowerCase().startsWith('connection:'))
        .map((line) => line.replace(/^(Via: 1\.1 obex-)[0-9a-f]{16}$/, '$1id')),
      [
        `Accept: ${HEADERS.Accept}`,
        `Authorization: Bearer ${SECRET}`,
        `Content-Length: ${BODY.length}`,
        'Content-Type: application/json',
        `Host: 127.0.0.1:${hop.port}`,
        'User-Agent: obex-test',
        'Via: 1.1 obex-id',
        'X-Forwarded-For: 127.0.0.1',
        'X-Forwarded-Host: tool.example',
        'X-Forwarded-Proto: https',
        'X-Obex-Client: obex-test',
        `X-Obex-Issuer: ${idp.issuer}`,
        `X-Obex-Request-ID: ${response.values('x-obex-request-id').join()}`,
        `X-Obex-Scopes: ${SCOPE}`,
        'X-Obex-User: obex-test',
      ],
    );
  });

  it('answers GET with its own 405, passed on as it is', async () => {
    const direct = await sendRawRequest({
      port: server.port,
      target: '/mcp',
      headers: { Accept: 'text/event-stream', Authorization: `Bearer ${SECRET}` },
    });
    const proxied = await sendRawRequest({
      port: obex.port,
      target: '/mcp',
      headers: { Accept: 'text/event-stream', Authorization: `Bearer ${token}` },
    });

    assert.equal(direct.status, 405);
    assert.deepEqual(summarize(proxied), summarize(direct));
  });

  it('answers a POST that accepts no event stream with its own 406, passed on as it is', async () => {
    const headers = { 'Content-Type': 'application/json', Accept: 'application/json' };
    const direct = await sendRawRequest({
      ...POST,
      port: server.port,
      headers: { ...headers, Authorization: `Bearer ${SECRET}` },
    });
    const proxied = await sendRawRequest({
      ...POST,
      port: obex.port,
      headers: { ...headers, Authorization: `Bearer ${token}` },
    });

    assert.equal(direct.status, 406);
    assert.deepEqual(summarize(proxied), summarize(direct));
  });

  it('hears nothing of a request without a token', async () => {
    const response = await sendRawRequest({ ...POST, port: obex.port, headers: HEADERS });

    assert.deepEqual(summarize(response), {
      status: 401,
      poweredBy: [],
      challenges: [
        `Bearer realm="mcp", resource_metadata="https://tool.example/.well-known/oauth-protected-resource/mcp", scope="${SCOPE}"`,
      ],
      body: '{"error":"unauthorized","reason":"no_token"}',
    });
    assert.deepEqual(hop.received(), []);
  });

  it('hears nothing of a client that knows its secret but has no token', async () => {
    const headers = { ...HEADERS, Authorization: `Bearer ${SECRET}` };
    const response = await sendRawRequest({ ...POST, port: obex.port, headers });

    assert.equal(response.status, 401);
    assert.equal(response.body.toString(), '{"error":"unauthorized","reason":"invalid_token"}');
    assert.deepEqual(hop.received(), []);
  });

  it('has its own 401 turned into 502 backend_rejected_credentials when Obex does not know the secret', async (t) => {
    const unconfigured = await startObex({});
    t.after(() => unconfigured.stop());
    const headers = { ...HEADERS, Authorization: `Bearer ${token}` };

    const response = await sendRawRequest({ ...POST, port: unconfigured.port, headers });

    assert.deepEqual(summarize(response), {
      status: 502,
      poweredBy: [],
      challenges: [],
      body: '{"error":"bad_gateway","reason":"backend_rejected_credentials"}',
    });
    const [bytes = ''] = hop.received();
    assert.doesNotMatch(bytes, /^authorization:/im);
    assertHoldsNothingOf(token, bytes);
  });

  it('finds neither its secret nor the token in what Obex has logged', () => {
    assert.ok(!obex.output().includes(SECRET));
    assertHoldsNothingOf(token, obex.output());
  });
});

/** Neither whole nor in part: header, payload and signature are looked for one by one. */
function assertHoldsNothingOf(jwt: string, bytes: string): void {
  for (const part of jwt.split('.')) assert.ok(!bytes.includes(part));
}
