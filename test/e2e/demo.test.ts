/** `obex demo` as users run it: the story that proves itself, and the demo that stays up. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Child } from '../support/child.ts';
import { startChild } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

const HAS_CURL = spawnSync('curl', ['--version']).status === 0;

const STEPS = [
  'A request without a token is refused',
  'The challenge of that refusal leads to the IdP',
  'The official MCP client finds the IdP by itself, registers, logs in and connects',
  'tools/list works',
  'tools/call whoami: the MCP server learns who is calling from Obex, not from the client',
  'Progress events arrive one by one: the server sends the next only after the client has the one before',
  'An older client works at the same endpoint, with a session that it opens and ends',
  'DPoP: a token that is bound to a key works with a proof by that key, once, and never without one',
  'A token that was issued for another server is refused',
  'An expired token is refused',
  'A token without the required scope is refused',
  'The MCP server saw no refused request and never a token',
  'A second Obex, whose IdP registers no clients: the same client logs in through Obex, from the URL alone',
];

function startDemo(...args: string[]): Child {
  return startChild({ command: process.execPath, args: [MAIN, 'demo', ...args] });
}

describe('obex demo --once', () => {
  let child: Child;

  before(async () => {
    child = startDemo('--once');
    await child.ended();
  });

  it('exits 0 and says nothing on stderr', () => {
    assert.deepEqual(child.exitStatus(), { code: 0, signal: null });
    assert.equal(child.stderr(), '');
  });

  it('tells every step in order, each held', () => {
    const told = child.stdout().match(/^[✓✗] .*$/gm);
    assert.deepEqual(
      told,
      STEPS.map((step) => `✓ ${step}`),
    );
  });

  it('shows the reasons of the refusals', () => {
    const bodies = child.stdout().match(/\b\d{3} \{"error":.*\}/g);
    assert.deepEqual(bodies, [
      '401 {"error":"unauthorized","reason":"no_token"}',
      '401 {"error":"unauthorized","reason":"dpop_replayed"}',
      '401 {"error":"unauthorized","reason":"missing_dpop"}',
      '401 {"error":"unauthorized","reason":"audience_mismatch"}',
      '401 {"error":"unauthorized","reason":"token_expired"}',
      '403 {"error":"forbidden","reason":"insufficient_scope"}',
    ]);
  });

  it('shows one challenge a line, as they are sent', () => {
    const challenges = child.stdout().match(/WWW-Authenticate: .*/g) ?? [];
    const schemes = challenges.map((line) =>
      [...line.matchAll(/(\w+) realm="mcp"/g)].map(([, scheme]) => scheme).join(),
    );
    assert.deepEqual(schemes, ['Bearer', 'DPoP', 'Bearer', 'DPoP', 'Bearer', 'DPoP', 'Bearer', 'DPoP']);
  });

  it('prints no token', () => {
    assert.doesNotMatch(child.stdout(), /eyJ/);
  });
});

describe('obex demo', () => {
  let child: Child;
  let port: number;

  before(async () => {
    port = await freePort();
    child = startDemo('--port', String(port));
    await child.waitFor('the guide', () => (child.stdout().includes("Obex's log:") ? true : undefined));
  });

  after(() => child.stop());

  it('prints lines that work when pasted into a shell', { skip: !HAS_CURL && 'needs curl' }, async () => {
    const pasted = child.stdout().match(/^ {2}(?:TOKEN=|curl ).*$/gm) ?? [];
    assert.equal(pasted.length, 5);
    const { stdout } = await promisify(execFile)('sh', ['-c', pasted.join('\n')]);
    assert.match(stdout, /^HTTP\/1\.1 401 Unauthorized\r$/m);
    assert.match(stdout, /\{"error":"unauthorized","reason":"no_token"\}/);
    assert.ok(
      stdout.includes(`{"resource":"http://localhost:${port}/mcp","authorization_servers":["http://127.0.0.1:`),
    );
    assert.match(stdout, /"name":"countdown"/);
    assert.match(stdout, /x-obex-user: obex-demo/);
  });

  it('says when a plain bearer token passes', () => {
    assert.match(child.stdout(), /a plain bearer token, which passes .* unless .* dpop\.required: true\.$/m);
  });

  it('prints the address for clients', () => {
    const url = `http://localhost:${port}/mcp`;
    assert.ok(child.stdout().includes(`claude mcp add --transport http obex-demo ${url}\n`));
    assert.ok(child.stdout().includes(`{"servers":{"obex-demo":{"type":"http","url":"${url}"}}}`));
  });

  it('says when the token ends, timezone included, and what the Inspector needs', () => {
    assert.match(child.stdout(), /^With a token \(this one is live until \d\d:\d\d:\d\d \S+\):$/m);
    assert.match(
      child.stdout(),
      /^ {2}MCP Inspector {4}npx @modelcontextprotocol\/inspector +\(needs Node 22\.19 or newer\)$/m,
    );
  });

  it('ends with exit code 0 and a word of goodbye at Ctrl-C', async () => {
    child.kill('SIGINT');
    assert.deepEqual(await child.ended(), { code: 0, signal: null });
    assert.ok(child.stdout().endsWith('\nThe demo has ended. Goodbye!\n'));
  });
});

describe('obex demo, port taken', () => {
  it('takes the next one and says so', async (context) => {
    const squatter = await squat(8080);
    context.after(() => squatter.close());
    const child = startDemo();
    const port = await child.waitFor('the notice', () => {
      return /^Port 8080 is taken; Obex uses (\d+) instead\.$/m.exec(child.stderr())?.[1];
    });
    await child.waitFor('the guide', () =>
      child.stdout().includes(`http://localhost:${port}/mcp`) ? true : undefined,
    );
    await child.stop();
  });

  it('exits 2 with a line that says why, like serve, when the port was asked for', async (context) => {
    const port = await freePort();
    const squatter = await squat(port);
    context.after(() => squatter.close());
    const child = startDemo('--once', '--port', String(port));
    assert.deepEqual(await child.ended(), { code: 2, signal: null });
    assert.match(
      child.stderr(),
      new RegExp(`^obex: --port: cannot listen on 127.0.0.1:${port}: the port is taken.*\n$`),
    );
  });
});

/** Takes a port, unless it is taken already. */
async function squat(port: number): Promise<Server> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.on('error', () => resolve()).listen(port, '127.0.0.1', resolve);
  await promise;
  return server;
}
