/** A published MCP server that is not there yet, comes, goes and comes back, behind Obex in phase 2 with a real IdP. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { freePort } from '../support/free-port.ts';
import { generateSigningKey, startGlewlwyd } from '../support/glewlwyd.ts';
import { startMariaDb } from '../support/mariadb.ts';
import type { MysqlMcpServer } from '../support/mysql-mcp-server.ts';
import { startMysqlMcpServer } from '../support/mysql-mcp-server.ts';
import type { ObexProcess } from '../support/obex-process.ts';
import { startObexProcess } from '../support/obex-process.ts';
import { formatPhase2Config, RESOURCE, SCOPE } from '../support/phase-2-config.ts';
import { sendRawRequest } from '../support/raw-request.ts';
import { until } from '../support/until.ts';

const SECRET = 'the-secret-between-obex-and-the-mysql-server';
const DOWN = '502 {"error":"bad_gateway","reason":"backend_unavailable"}';
const NOT_READY = '503 {"status":"not_ready","checks":{"backend":"error","jwks":"ok"}}';
const READY = '200 {"status":"ready","checks":{"backend":"ok","jwks":"ok"}}';

const running = new AsyncDisposableStack();
let obex: ObexProcess;
let token: string;
let startServer: () => Promise<MysqlMcpServer>;

before(async () => {
  requireDebianPackages();
  const port = await freePort();
  const database = running.adopt(await startMariaDb([]), (it) => it.stop());
  startServer = () => startMysqlMcpServer({ database, secret: SECRET, port });
  const idp = running.adopt(
    await startGlewlwyd({ resources: [RESOURCE], scopes: [SCOPE], key: generateSigningKey('RS256') }),
    (it) => it.stop(),
  );
  const config = formatPhase2Config({ backendPort: port, backendHeaders: { Authorization: `Bearer ${SECRET}` }, idp });
  obex = running.adopt(await startObexProcess({ config }), (it) => it.stop());
  token = await idp.getToken({ scope: SCOPE });
});

after(() => running.disposeAsync());

/** The status of a tools/call that was served, else the whole refusal. */
async function call(): Promise<string> {
  const { status, body } = await sendRawRequest({
    port: obex.port,
    method: 'POST',
    target: '/mcp',
    headers: {
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"mysql_query","arguments":{"sql":"SELECT 1"}}}',
  });
  return status === 200 ? '200' : `${status} ${body.toString()}`;
}

async function untilReadyAnswers(expected: string): Promise<void> {
  await until(`/ready to answer ${expected}`, async () => {
    const { status, body } = await sendRawRequest({ port: obex.port, target: '/ready' });
    return `${status} ${body.toString()}` === expected || undefined;
  });
}

describe('a backend that is down', () => {
  for (const when of ['before it was ever there', 'after it has been stopped']) {
    it(`${when}: 502 backend_unavailable and not ready, and served as soon as it is there`, async (t) => {
      assert.equal(await call(), DOWN);
      await untilReadyAnswers(NOT_READY);

      const server = await startServer();
      t.after(() => server.stop());

      assert.equal(await call(), '200');
      await untilReadyAnswers(READY);
    });
  }
});
