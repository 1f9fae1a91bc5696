/** A program behind the whole of Obex: who may start one, what it knows of them, whose session it is, and how it ends. MCP transports (stdio). */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FakeClock } from '../../support/fake-clock.ts';
import { parseObject } from '../../support/json.ts';
import { bearer, bodyOf, PUBLIC_URL, startTestObex, type TestObex } from '../../support/obex.ts';
import type { RawResponse } from '../../support/raw-http.ts';
import { startTestIssuer, type TestIssuer, type TokenOptions } from '../../support/test-issuer.ts';

const SERVER = join(import.meta.dirname, '../../support/programs/stdio-server.ts');

interface Stack {
  readonly obex: TestObex;
  readonly issuer: TestIssuer;
  config(more?: string): string;
  send(message: object, lines?: readonly string[], token?: TokenOptions): Promise<RawResponse>;
  /** A new session: its id. */
  begin(token?: TokenOptions): Promise<string>;
  /** The text that a tool has answered. */
  call(session: string, name: string, token?: TokenOptions): Promise<string>;
}

async function start(context: TestContext, more = ''): Promise<Stack> {
  const clock = new FakeClock();
  const issuer = await startTestIssuer(context, clock);
  const config = (lines = more): string => `obex: { public_url: "${PUBLIC_URL}", listen: "127.0.0.1:0" }
backend:
  command: "${process.execPath}"
  args: ["${SERVER}"]
${lines.replace(/^(?=.)/gm, '  ')}
resource: { url: "${PUBLIC_URL}/mcp" }
idp: { issuer: "${issuer.url}", jwks_uri: "${issuer.jwksUri}" }
`;
  const obex = await startTestObex(context, config(), clock);
  await obex.event('jwks_fetched');
  // Processes are gone when the test is over.
  context.after(() => obex.obex.drain());
  const send: Stack['send'] = async (message, lines = [], token = {}) =>
    obex.send({
      method: 'POST',
      lines: [
        bearer(await issuer.token(token)),
        'Content-Type: application/json',
        'Accept: application/json, text/event-stream',
        ...lines,
      ],
      body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    });
  const begin: Stack['begin'] = async (token) => {
    const answer = await send(INITIALIZE, [], token);
    assert.equal(answer.status, 200);
    return answer.values('mcp-session-id')[0] ?? assert.fail('no session');
  };
  const call: Stack['call'] = async (session, name, token) => {
    const params = { name, arguments: {} };
    const answer = await send({ id: 2, method: 'tools/call', params }, [`Mcp-Session-Id: ${session}`], token);
    const { result } = bodyOf(answer);
    const [content] = Object(result).content;
    return String(Object(content).text);
  };
  return { obex, issuer, config, send, begin, call };
}

const INITIALIZE = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'c', version: '1' } },
};

describe('backend.command', () => {
  it('starts nothing for whoever has no token', async (context) => {
    const { obex } = await start(context);
    for (const lines of [[], [bearer('not-a-token')]]) {
      const answer = await obex.send({
        method: 'POST',
        lines,
        body: JSON.stringify({ jsonrpc: '2.0', ...INITIALIZE }),
      });
      assert.equal(answer.status, 401);
      assert.ok(answer.values('www-authenticate')[0]?.includes('resource_metadata='));
    }
    assert.deepEqual(obex.events('program_started'), []);
    assert.equal(await obex.scrape('obex_programs_started_total{server="server"}'), undefined);
  });

  it('tells the program who it serves, and nothing of the environment of Obex but what is named', async (context) => {
    process.env['PASSED_ON'] = 'passed';
    process.env['KEPT_BACK'] = 'a secret of Obex';
    context.after(() => {
      delete process.env['PASSED_ON'];
      delete process.env['KEPT_BACK'];
    });
    const { issuer, begin, call } = await start(context, 'env: { OWN: "value" }\npass_env: [PASSED_ON]\n');
    const token = { claims: { sub: 'ann', client_id: 'a-client', scope: 'b a' } };
    const { PATH, HOME, LANG, ...others } = parseObject(await call(await begin(token), 'environment', token));
    assert.deepEqual([typeof PATH, HOME, LANG], ['string', process.env['HOME'], process.env['LANG']]);
    assert.deepEqual(others, {
      OWN: 'value',
      PASSED_ON: 'passed',
      OBEX_USER: 'ann',
      OBEX_CLIENT: 'a-client',
      OBEX_SCOPES: 'a b',
      OBEX_ISSUER: issuer.url,
    });
  });

  it('keeps a session from everybody but the subject and client that began it', async (context) => {
    const { begin, send } = await start(context);
    const session = await begin({ claims: { sub: 'ann', client_id: 'one' } });
    for (const claims of [
      { sub: 'bob', client_id: 'one' },
      { sub: 'ann', client_id: 'two' },
    ]) {
      const list = { id: 2, method: 'tools/list' };
      const answer = await send(list, [`Mcp-Session-Id: ${session}`], { claims });
      assert.equal(answer.status, 404);
      assert.deepEqual(bodyOf(answer)['error'], { code: -32001, message: 'Session not found' });
    }
  });

  it('serves the path of resource.url and nothing beside it', async (context) => {
    const { obex, issuer } = await start(context);
    for (const target of ['/mcp/more', '/', '/server', '/server/mcp']) {
      const lines = [bearer(await issuer.token()), 'Content-Type: application/json'];
      const answer = await obex.send({ method: 'POST', target, lines, body: JSON.stringify(INITIALIZE) });
      assert.equal(answer.status, 404, target);
    }
    assert.deepEqual(obex.events('program_started'), []);
  });

  it('is ready, counts its processes, and ends them when it drains', async (context) => {
    const { obex, begin } = await start(context);
    assert.equal((await obex.send({ target: '/ready' })).status, 200);
    await begin();
    assert.equal(await obex.scrape('obex_program_processes{server="server"}'), 1);
    await obex.obex.drain();
    const { reason } = await obex.event('program_ended');
    assert.equal(reason, 'drained');
  });

  it('runs another program after a reload, and ends the sessions of the one before', async (context) => {
    const { obex, config, begin, call, send } = await start(context, 'env: { TURN: one }\n');
    const first = await begin();
    assert.equal(parseObject(await call(first, 'environment'))['TURN'], 'one');
    await obex.reload(config('env: { TURN: two }\n'));
    const gone = await send({ id: 2, method: 'tools/list' }, [`Mcp-Session-Id: ${first}`]);
    assert.equal(gone.status, 404);
    assert.equal(parseObject(await call(await begin(), 'environment'))['TURN'], 'two');
  });

  it('refuses a reload that would turn it into a URL, or that names a user that is not there', async (context) => {
    const { obex, config, begin, call } = await start(context);
    const session = await begin();
    const url = config().replace(/ {2}command.*\n {2}args.*\n/, '  url: "http://127.0.0.1:9"\n');
    await assert.rejects(obex.reload(url), {
      message: 'a reload cannot change whether there is a backend.command; restart Obex to change it',
    });
    await assert.rejects(obex.reload(config('user: nobody-of-that-name\n')), /there is no user nobody-of-that-name/);
    assert.match(await call(session, 'who'), /"pid"/);
  });
});
