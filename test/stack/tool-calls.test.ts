/** Both databases asked through Obex by official MCP clients, which log in at the IdP that their own discovery finds. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MESSAGE_HEADERS, postMessage } from '../../src/demo/plain-request.ts';
import { type ConnectClient, connectV1, connectV2, connectV2Modern } from '../support/mcp-clients.ts';
import { prepareStack, type Stack, trustCertificateIn, untilReady } from './compose-stack.ts';
import { docker } from './docker.ts';
import { fetchToken } from './tokens.ts';

const MARIADB = 'https://localhost:8443';
const CLICKHOUSE = 'https://localhost:8444';

let stack: Stack;

before(async () => {
  stack = await prepareStack();
  await stack.compose('up', '--detach');
  trustCertificateIn(stack.certs);
  await untilReady(MARIADB, CLICKHOUSE);
});

after(() => stack.down());

async function callOnce(connect: ConnectClient, origin: string, call: readonly [string, object]): Promise<string> {
  const client = await connect(`${origin}/mcp`);
  try {
    return await client.callTool(call[0], { ...call[1] });
  } finally {
    await client.close();
  }
}

describe('MariaDB behind Obex', () => {
  const ask = (sql: string): Promise<string> => callOnce(connectV1, MARIADB, ['mysql_query', { sql }]);

  it('answers a query', async () => {
    assert.deepEqual(JSON.parse(await ask('SELECT name FROM customers ORDER BY id')), [
      { name: 'Ada' },
      { name: 'Grace' },
    ]);
  });

  it('refuses to write', async () => {
    assert.match(await ask("INSERT INTO customers VALUES (3, 'Mallory')"), /not allowed|denied|read.?only/i);
  });

  it('gives its MCP server a user who may read alone', async () => {
    const client = ['exec', '-T', 'mariadb', 'mariadb', '-ureader', '-pchange-me-4', '-hmariadb', 'shop'];
    const { output } = await stack.tryCompose(...client, '-e', "INSERT INTO customers VALUES (3, 'Mallory')");
    assert.match(output, /INSERT command denied to user 'reader'/);
  });
});

describe('ClickHouse behind Obex', () => {
  for (const [era, connect] of Object.entries({ '2025-11-25': connectV2, '2026-07-28': connectV2Modern })) {
    it(`answers its three tools, in MCP ${era}`, async () => {
      const databases = await callOnce(connect, CLICKHOUSE, ['list_databases', {}]);
      assert.ok(databases.includes('"shop"'));
      const tables = await callOnce(connect, CLICKHOUSE, ['list_tables', { database: 'shop' }]);
      assert.ok(tables.includes('"visits"'));
      const query = 'SELECT sum(visitors) FROM shop.visits';
      assert.ok((await callOnce(connect, CLICKHOUSE, ['run_query', { query }])).includes('245'));
    });
  }

  it('refuses to write', async () => {
    const query = "INSERT INTO shop.visits VALUES (today(), '/', 1)";
    assert.match(await callOnce(connectV2, CLICKHOUSE, ['run_query', { query }]), /READONLY|ACCESS_DENIED/);
  });
});

describe('the stack', () => {
  it('takes a token for one of the two at that one alone', async () => {
    const token = await fetchToken(`${MARIADB}/mcp`);

    assert.equal((await postMessage(`${MARIADB}/mcp`, token)).status, 200);
    const { status, body } = await postMessage(`${CLICKHOUSE}/mcp`, token);

    assert.deepEqual([status, body], [401, '{"error":"unauthorized","reason":"audience_mismatch"}']);
  });

  it('sends whoever has no token to the IdP, and answers 413 to 5 MB', async () => {
    for (const origin of [MARIADB, CLICKHOUSE]) {
      const { status, challenge } = await postMessage(`${origin}/mcp`, undefined);
      assert.equal(status, 401);
      const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
      assert.ok(challenge.includes(metadata), challenge);
      const headers = { ...MESSAGE_HEADERS, Authorization: `Bearer ${await fetchToken(`${origin}/mcp`)}` };
      const large = await fetch(`${origin}/mcp`, { method: 'POST', headers, body: 'x'.repeat(5_000_000) });
      assert.equal(large.status, 413);
    }
  });

  it('publishes nothing but Obex and, on loopback, the development IdP', async () => {
    const ids = (await stack.compose('ps', '--quiet')).split('\n');
    const ports = await Promise.all(ids.map((id) => docker(['port', id])));
    assert.deepEqual(ports.filter(Boolean).toSorted(), [
      '8443/tcp -> 127.0.0.1:8443',
      '8443/tcp -> 127.0.0.1:8444',
      '9000/tcp -> 127.0.0.1:9000',
    ]);
  });

  it('lets the MCP servers and databases reach nobody outside of their own network', async () => {
    const dial = (host: string, port: number): string =>
      `require('net').connect(${port},'${host}').once('connect',()=>process.exit(0)).once('error',()=>process.exit(1));setTimeout(()=>process.exit(1),3000)`;
    const reach = async (host: string, port: number): Promise<number | null> =>
      (await stack.tryCompose('exec', '-T', 'mcp-mariadb', 'node', '-e', dial(host, port))).code;

    assert.equal(await reach('mariadb', 3306), 0);
    assert.equal(await reach('clickhouse', 8123), 1);
    assert.equal(await reach('dev-idp', 9000), 1);
  });
});
