/** docs/tokens.md followed step by step: its shell lines are run as they stand, against Obex with a real IdP and real MCP servers. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { REQUIRED_SCOPE, type Stage, startStage } from '../../src/demo/stage.ts';
import { startChild } from '../support/child.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { readFencedBlocks } from '../support/fenced-blocks.ts';
import { freePort } from '../support/free-port.ts';
import { parseObject } from '../support/json.ts';
import { startObexProcess } from '../support/obex-process.ts';

const SERVER_EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
const LOOPBACK_ONLY = join(import.meta.dirname, '../support/loopback-only.ts');

const STATELESS = 'MCP 2026-07-28: every request stands alone';
const SESSION = 'MCP 2025-11-25 and older: a session first';
const BLOCKS = readFencedBlocks('docs/tokens.md').filter(({ language, note }) => language === 'sh' && note === 'run');

type Variables = Readonly<Record<string, string>>;

const running = new AsyncDisposableStack();
let stage: Stage;

before(async () => {
  requireDebianPackages();
  stage = running.adopt(
    await startStage({ startObex: (yaml) => startObexProcess({ config: yaml }), port: await freePort() }),
    (it) => it.stop(),
  );
});

after(() => running.disposeAsync());

/** What each block under these headings prints, when all are run one after the other in one shell. */
async function follow(headings: readonly string[], variables: Variables): Promise<readonly string[]> {
  const blocks = BLOCKS.filter(({ heading }) => headings.includes(heading));
  const script = blocks.map(({ place, text }) => `echo '--- ${place}'\n${text}echo\n`).join('');
  const { stdout } = await promisify(execFile)('sh', ['-euc', script], {
    env: { PATH: process.env['PATH'], ...variables },
  });
  const printed = stdout.split(/^--- docs\/tokens\.md:\d+\n/m).slice(1);
  assert.equal(printed.length, blocks.length);
  return printed.map((text) => text.trim());
}

/** The URL of Obex in front of the package's server, with the IdP of the stage, and a token for it. */
async function startEverything(): Promise<Variables> {
  const server = startChild({
    command: process.execPath,
    args: ['--import', LOOPBACK_ONLY, SERVER_EVERYTHING, 'streamableHttp'],
    env: { PORT: '0' },
  });
  running.defer(async () => void (await server.stop()));
  const [, port] = await server.waitFor(
    'server-everything to listen',
    () => /^listening on port (\d+)$/m.exec(server.stderr()) ?? undefined,
  );
  const config = (own: number): string => `obex: { public_url: "http://localhost:${own}", listen: "127.0.0.1:${own}" }
backend: { url: "http://127.0.0.1:${port}" }
resource: { url: "http://localhost:${own}/mcp" }
idp: { issuer: "${stage.idp.issuer}" }
authz: { required_scopes: ["${REQUIRED_SCOPE}"] }
`;
  const obex = running.adopt(await startObexProcess({ config }), (it) => it.stop());
  const resource = `http://localhost:${obex.port}/mcp`;
  return { URL: resource, TOKEN: await stage.idp.issueToken({ scope: REQUIRED_SCOPE, audience: resource }) };
}

describe('docs/tokens.md with the IdP and the MCP server of the demo', () => {
  it('gets a token, shows what is in it, and calls tools in both eras of MCP', async () => {
    const { idp, resource } = stage;
    const printed = await follow(['Get a token', 'Look into it', 'Try it', 'Call a tool', STATELESS, SESSION], {
      URL: resource,
      TOKEN_URL: idp.tokenEndpoint,
      CLIENT_ID: idp.client.id,
      CLIENT_SECRET: idp.client.secret,
      SCOPE: REQUIRED_SCOPE,
      TOOL: 'add',
      ARGUMENTS: '{"a":2,"b":3}',
    });
    const [token = '', payload = '', tried = '', definition = '', tools = '', called = '', ...session] = printed;

    assert.match(token, /^[1-9]\d{2,} characters$/);
    const { iss, aud, scope } = parseObject(payload);
    assert.deepEqual({ iss, aud, scope }, { iss: idp.issuer, aud: resource, scope: REQUIRED_SCOPE });
    assert.match(tried, /^HTTP\/1\.1 4(00|06|15) /);
    assert.equal(definition, '');
    assert.match(tools, /"name":"whoami".*"name":"add"/);
    assert.match(called, /"content":\[\{"type":"text","text":"5"\}\]/);
    assertSession(session, { tool: /"name":"add"/, result: /"text":"5"/ });
  });

  it('shows a refusal of Obex where the token is refused', async () => {
    const printed = await follow(['Try it'], { URL: stage.resource, TOKEN: 'opaque' });
    assert.deepEqual(printed, ['HTTP/1.1 401 Unauthorized']);
  });
});

describe('docs/tokens.md with @modelcontextprotocol/server-everything', () => {
  it('opens a session, calls a tool in it and ends it', async () => {
    const variables = { ...(await startEverything()), TOOL: 'echo', ARGUMENTS: '{"message":"hello"}' };
    const [definition, ...session] = await follow(['Call a tool', SESSION], variables);
    assert.equal(definition, '');
    assertSession(session, { tool: /"name":"echo"/, result: /"text":"Echo: hello"/ });
  });
});

function assertSession(printed: readonly string[], expected: { readonly tool: RegExp; readonly result: RegExp }): void {
  const [initialized = '', accepted = '', tools = '', called = '', ended = ''] = printed;
  assert.match(initialized, /^data: .*"protocolVersion":"2025-11-25"/m);
  assert.equal(accepted, '202');
  assert.match(tools, expected.tool);
  assert.match(called, expected.result);
  assert.equal(ended, '200');
}
