/** nginx in front of the stack (TLS_MODE=external): tool calls, a stream of progress, and a rolling restart of two replicas. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { makeCertificate } from '../../src/certs/make-certificate.ts';
import { connectV1, connectV2 } from '../support/mcp-clients.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';
import { prepareStack, type Stack, trustCertificateIn, untilReady } from './compose-stack.ts';
import { docker } from './docker.ts';
import { startLoad } from './load.ts';
import { mcpRequests } from './log-events.ts';
import { fetchToken } from './tokens.ts';

const MARIADB = 'https://localhost:9443';
const CLICKHOUSE = 'https://localhost:9444';
const DAY_MS = 86_400_000;

let stack: Stack;

afterEach(() => stack.down());

/** The stack with nginx in front; `files`: what else goes on top. */
async function prepare(...files: readonly string[]): Promise<void> {
  const certs = join(createTempFolder('proxy').path, 'certs');
  mkdirSync(certs);
  const [notBefore, notAfter] = [new Date(Date.now() - DAY_MS), new Date(Date.now() + 90 * DAY_MS)];
  const { cert, key } = makeCertificate({ commonName: 'proxy', hosts: ['localhost'], notBefore, notAfter });
  writeFileSync(join(certs, 'server.crt'), cert);
  writeFileSync(join(certs, 'server.key'), key);
  trustCertificateIn(certs);
  stack = await prepareStack({
    settings: {
      TLS_MODE: 'external',
      OBEX_TLS_ENABLED: 'false',
      MARIADB_PUBLIC_URL: MARIADB,
      CLICKHOUSE_PUBLIC_URL: CLICKHOUSE,
      // For as many replicas.
      MARIADB_PORT: '8453-8454',
      PROXY_CERTS_DIR: certs,
    },
    files: ['test/external-tls/docker-compose.yml', ...files],
  });
}

describe('nginx in front of Obex', () => {
  it('lets official clients log in and call the tools of both', async () => {
    await prepare();
    await stack.compose('up', '--detach');
    await untilReady(MARIADB, CLICKHOUSE);

    const mariadb = await connectV1(`${MARIADB}/mcp`);
    assert.ok((await mariadb.callTool('mysql_query', { sql: 'SHOW TABLES' })).includes('customers'));
    await mariadb.close();
    const clickhouse = await connectV2(`${CLICKHOUSE}/mcp`);
    assert.ok((await clickhouse.callTool('list_databases', {})).includes('shop'));
    await clickhouse.close();
  });

  it('passes progress on while the tool is still at work', async () => {
    await prepare('test/external-tls/progress.yml');
    await stack.compose('up', '--detach', 'nginx', 'mcp-mariadb', 'dev-idp');
    await untilReady(MARIADB);
    const client = await connectV1(`${MARIADB}/mcp`);
    const seen: string[] = [];

    const echoed = Promise.withResolvers<void>();
    await client.callTool('trigger-long-running-operation', { duration: 3, steps: 3 }, (progress) => {
      seen.push(`${progress}`);
      if (progress > 1) return;
      // In a buffered stream all events would come with the result, so before this answer.
      const echo = client.callTool('echo', { message: 'hello' });
      void echo.then(() => seen.push('echo')).finally(echoed.resolve);
    });
    seen.push('result');
    await echoed.promise;
    await client.close();

    assert.deepEqual(seen, ['1', 'echo', '2', '3', 'result']);
  });

  it('loses no request that an Obex has accepted while its two replicas are restarted, one after the other', async (t) => {
    await prepare();
    await stack.compose('up', '--detach', '--scale', 'obex-mariadb=2', 'nginx', 'mcp-mariadb', 'dev-idp');
    await untilReady(MARIADB);
    const replicas = (await stack.containerOf('obex-mariadb')).split('\n');
    assert.equal(replicas.length, 2);
    const resource = `${MARIADB}/mcp`;
    const load = startLoad(resource, await fetchToken(resource));

    for (const replica of replicas) {
      const { answered } = load.books;
      await until('load', () => load.books.answered > answered + 100 || undefined);
      await docker(['restart', '--time', '15', replica]);
      await until('the replica', async () => {
        const health = await docker(['inspect', '--format', '{{.State.Health.Status}}', replica]);
        return health === 'healthy' || undefined;
      });
    }

    const { answered, refused, unanswered, wrong } = await load.stop();
    t.diagnostic(`${answered} answered; ${refused} met an Obex that was closing, and were refused before it took them`);
    assert.deepEqual({ unanswered, wrong }, { unanswered: 0, wrong: [] });
    const logged = await mcpRequests(stack, 'obex-mariadb');
    assert.ok(logged.every(({ aborted }) => aborted !== true));
    assert.equal(logged.filter(({ status }) => status === 200).length, answered);
  });
});
