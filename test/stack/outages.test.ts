/** Each part of the stack killed and started again, and a restart of Obex under load. */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { postMessage } from '../../src/demo/plain-request.ts';
import { connectV1 } from '../support/mcp-clients.ts';
import { until } from '../support/until.ts';
import { prepareStack, type Stack, trustCertificateIn, untilReady, untilStatus } from './compose-stack.ts';
import { startLoad } from './load.ts';
import { mcpRequests } from './log-events.ts';
import { fetchToken } from './tokens.ts';

const MARIADB = 'https://localhost:8443';
const RESOURCE = `${MARIADB}/mcp`;

let stack: Stack;

before(async () => {
  stack = await prepareStack();
  await stack.compose('up', '--detach', 'obex-mariadb', 'mcp-mariadb', 'dev-idp');
  trustCertificateIn(stack.certs);
  await untilReady(MARIADB);
});

after(() => stack.down());

/** Whatever becomes of the test, the next one finds the service running. */
async function kill(t: TestContext, service: string): Promise<void> {
  t.after(() => stack.compose('start', service));
  await stack.compose('kill', service);
}

/** The tool of the MCP server, with a token of its own: everything from the IdP to the database is asked. */
async function countCustomers(): Promise<string> {
  const client = await connectV1(RESOURCE);
  try {
    return await client.callTool('mysql_query', { sql: 'SELECT COUNT(*) AS n FROM customers' });
  } finally {
    await client.close();
  }
}

function untilToolAnswers(): Promise<true> {
  return until('the tool to answer', async () => (await countCustomers()).includes('"n": 2') || undefined, 60_000);
}

describe('a part of the stack that is killed', () => {
  it('MCP server: Obex answers 502, /health stays, and all is well when it is back', async (t) => {
    await kill(t, 'mcp-mariadb');

    const { status, body } = await postMessage(RESOURCE, await fetchToken(RESOURCE));
    assert.deepEqual([status, body], [502, '{"error":"bad_gateway","reason":"backend_unavailable"}']);
    await untilStatus(`${MARIADB}/ready`, 503);
    await untilStatus(`${MARIADB}/health`, 200);

    await stack.compose('start', 'mcp-mariadb');
    await untilToolAnswers();
  });

  it('database: the MCP server ends over it, which Obex reports, and the tool works when both are back', async (t) => {
    await kill(t, 'mariadb');
    await assert.rejects(countCustomers(), /backend_unavailable/);

    await stack.compose('start', 'mariadb');
    await untilToolAnswers();
  });

  it('IdP: tokens go on being verified, and Obex made anew in the meantime waits for its keys', async (t) => {
    const token = await fetchToken(RESOURCE);
    await kill(t, 'dev-idp');
    assert.equal((await postMessage(RESOURCE, token)).status, 200);

    await stack.compose('restart', 'obex-mariadb');
    await untilStatus(`${MARIADB}/health`, 200);
    await untilStatus(`${MARIADB}/ready`, 503);
    const { status, body } = await postMessage(RESOURCE, token);
    assert.deepEqual([status, body], [503, '{"error":"unavailable","reason":"jwks_unavailable"}']);

    await stack.compose('start', 'dev-idp');
    await untilReady(MARIADB);
    await untilToolAnswers();
  });

  it('Obex: it is back with the next start', async (t) => {
    await kill(t, 'obex-mariadb');
    await assert.rejects(fetch(`${MARIADB}/health`));

    await stack.compose('start', 'obex-mariadb');
    await untilToolAnswers();
  });
});

describe('a restart of Obex under load', () => {
  it('loses no request that it has accepted: each answer it logs as sent has reached its client', async (t) => {
    const before = (await mcpRequests(stack, 'obex-mariadb')).filter(({ status }) => status === 200).length;
    const load = startLoad(RESOURCE, await fetchToken(RESOURCE));
    await until('load', () => load.books.answered > 100 || undefined);

    await stack.compose('restart', '--timeout', '15', 'obex-mariadb');
    await untilReady(MARIADB);
    const atRestart = load.books.answered;
    await until('load', () => load.books.answered > atRestart + 100 || undefined);

    const { answered, refused, unanswered, wrong } = await load.stop();
    t.diagnostic(`${answered} answered, ${refused} refused as draining, ${unanswered} found nobody listening`);
    assert.deepEqual(wrong, []);
    const logged = await mcpRequests(stack, 'obex-mariadb');
    assert.deepEqual(
      logged.filter(({ aborted }) => aborted === true),
      [],
    );
    assert.equal(logged.filter(({ status }) => status === 200).length - before, answered);
  });
});
