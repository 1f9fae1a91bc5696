/** The owner of an Obex sees who is logged in, and ends it: `obex login`. RFC 7009 §2.1, RFC 9068 §4, RFC 6750 §3.1. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { z } from 'zod';
import { freePort } from '../../support/free-port.ts';
import { formatLoginConfig, LoginWalk } from '../../support/login-walk.ts';
import { type ObexProcess, startObexProcess } from '../../support/obex-process.ts';
import { PROGRAM } from '../../support/program.ts';
import { openRaw, type RawClient } from '../../support/raw-http.ts';
import { type RecordingBackend, startRecordingBackend } from '../../support/recording-backend.ts';
import { type StandInIdp, startStandInIdp } from '../../support/stand-in-idp.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const run = promisify(execFile);
const EVENT_STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
const EVENT = '9\r\ndata: 1\n\n\r\n';
const TOKEN = 'a-token-of-the-owner-with-32-characters';

const Sessions = z.object({
  sessions: z.array(
    z.object({ subject: z.string(), client_id: z.string(), scopes: z.array(z.string()), since: z.iso.datetime() }),
  ),
  total: z.number(),
});

interface Scene {
  readonly obex: ObexProcess;
  readonly backend: RecordingBackend;
  readonly idp: StandInIdp;
  readonly base: string;
  config(port: number): string;
}

async function start(context: TestContext, { workers = 1, admin = '' } = {}): Promise<Scene> {
  const idp = await startStandInIdp(context);
  const backend = await startRecordingBackend(context);
  const folder = createTempFolder('owner');
  context.after(() => folder.remove());
  const listen = admin === '' ? `listen: "unix:${path.join(folder.path, 'control', 'c.sock')}"` : admin;
  const store = `  store: { backend: sqlite, path: "${path.join(folder.path, 'login.db')}" }\n`;
  const config = (port: number): string =>
    formatLoginConfig({ port, backend, idp, workers, login: `${store}admin: { ${listen} }\n` }).replace(
      '["ann"]',
      '["ann", "bob"]',
    );
  const obex = await startObexProcess({ config });
  context.after(() => obex.stop());
  return { obex, backend, idp, base: `http://localhost:${obex.port}`, config };
}

/** Everybody comes with a client of their own. */
async function logIn({ base, idp }: Pick<Scene, 'base' | 'idp'>, subject: string): Promise<LoginWalk> {
  idp.claims = { sub: subject, oid: subject };
  const walk = new LoginWalk(base, idp);
  await walk.go();
  assert.equal(await walk.call(), 200);
  return walk;
}

async function obexLogin({ obex }: Pick<Scene, 'obex'>, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(PROGRAM.command, [...PROGRAM.args, 'login', ...args, '--config', obex.configPath]);
  return stdout;
}

async function listSessions(scene: Pick<Scene, 'obex'>): Promise<z.output<typeof Sessions>> {
  return Sessions.parse(JSON.parse(await obexLogin(scene, 'sessions', '--json')));
}

/** Each on a connection of its own, so that each of the workers may be asked. */
async function assertRevoked({ base }: Pick<Scene, 'base'>, walk: LoginWalk, times = 1): Promise<void> {
  for (let count = 0; count < times; count += 1) {
    const headers = { Authorization: `Bearer ${walk.tokens.access_token}`, Connection: 'close' };
    const response = await fetch(`${base}/mcp`, { method: 'POST', headers, body: '{}' });
    const body: unknown = await response.json();
    assert.deepEqual(
      [response.status, response.headers.get('www-authenticate'), body],
      [
        401,
        `Bearer realm="mcp", resource_metadata="${base}/.well-known/oauth-protected-resource/mcp", scope="mcp:read", ` +
          'error="invalid_token", error_description="The access token has been revoked"',
        { error: 'unauthorized', reason: 'token_revoked' },
      ],
    );
  }
}

async function refresh(base: string, walk: LoginWalk, clientId: string): Promise<[number, unknown]> {
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: walk.tokens.refresh_token,
    client_id: clientId,
  });
  const response = await fetch(`${base}/oauth/token`, { method: 'POST', body });
  const answer = z.looseObject({ error: z.optional(z.string()) }).parse(await response.json());
  return [response.status, answer.error];
}

async function openStream(context: TestContext, { obex, backend }: Scene, walk: LoginWalk): Promise<RawClient> {
  const { answer } = backend;
  backend.answer = (request) =>
    request.requestLine.startsWith('GET') ? void request.socket.write(EVENT_STREAM + EVENT) : answer(request);
  const client = await openRaw(obex.port);
  context.after(() => client.destroy());
  await client.send(
    `GET /mcp HTTP/1.1\r\nHost: localhost:${obex.port}\r\nAccept: text/event-stream\r\nAuthorization: Bearer ${walk.tokens.access_token}\r\n\r\n`,
  );
  await client.readUntil('data: 1');
  return client;
}

for (const workers of [1, 2]) {
  describe(`obex login, ${workers} of those that serve`, () => {
    it('revoke --subject ends sessions, refuses tokens, ends streams of one person and leaves another in peace', async (context) => {
      const scene = await start(context, { workers });
      const ann = await logIn(scene, 'ann');
      const bob = await logIn(scene, 'bob');
      // Known to the caches of all who serve.
      for (let count = 0; count < 6; count += 1) assert.deepEqual([await ann.call(), await bob.call()], [200, 200]);
      const streams = { ann: await openStream(context, scene, ann), bob: await openStream(context, scene, bob) };

      const { sessions, total } = await listSessions(scene);
      assert.deepEqual([sessions.map(({ subject }) => subject).toSorted(), total], [['ann', 'bob'], 2]);
      const clientOf = (name: string) => sessions.find(({ subject }) => subject === name)?.client_id ?? '';
      const seen = scene.backend.requests.length;

      assert.equal(
        await obexLogin(scene, 'revoke', '--subject', 'ann'),
        'ended 1 session; access tokens issued until now are refused\n',
      );
      await assertRevoked(scene, ann, 6);
      assert.equal(scene.backend.requests.length, seen, 'the backend saw nothing');
      const { complete, body } = await streams.ann.readResponse();
      assert.deepEqual([complete, body.toString()], [true, 'data: 1\n\n']);
      assert.deepEqual(await refresh(scene.base, ann, clientOf('ann')), [400, 'invalid_grant']);

      assert.equal(await bob.call(), 200);
      assert.equal(streams.bob.socket.readableEnded, false);
      assert.equal(streams.bob.buffered.includes('0\r\n\r\n'), false);
      assert.deepEqual(await refresh(scene.base, bob, clientOf('bob')), [200, undefined]);
      assert.deepEqual(
        (await listSessions(scene)).sessions.map(({ subject }) => subject),
        ['bob'],
      );
      assert.equal((await scene.obex.waitForEvent('login_ended'))['reason'], 'revoked_by_owner');
    });

    it('a restart forgets nothing of it', async (context) => {
      const scene = await start(context, { workers });
      const ann = await logIn(scene, 'ann');
      const bob = await logIn(scene, 'bob');
      const { sessions } = await listSessions(scene);
      const clientId = sessions.find(({ subject }) => subject === 'ann')?.client_id ?? '';
      await obexLogin(scene, 'revoke', '--client', clientId.slice(0, 32));
      scene.obex.kill('SIGTERM');
      assert.deepEqual(await scene.obex.ended(), { code: 0, signal: null });
      const next = await startObexProcess({ config: scene.config(scene.obex.port) });
      context.after(() => next.stop());
      await assertRevoked(scene, ann, 4);
      assert.deepEqual(await refresh(scene.base, ann, clientId), [400, 'invalid_grant']);
      assert.equal(await bob.call(), 200);
    });
  });
}

describe('obex login revoke', () => {
  it('--all ends everybody; whoever logs in afterwards is let in', async (context) => {
    const scene = await start(context);
    const people = [await logIn(scene, 'ann'), await logIn(scene, 'bob')];
    assert.equal(
      await obexLogin(scene, 'revoke', '--all', '--json'),
      `${JSON.stringify({ ended: 2 }, undefined, 2)}\n`,
    );
    for (const person of people) await assertRevoked(scene, person);
    assert.equal(await obexLogin(scene, 'sessions'), 'no sessions\n');
    // What is issued within the same second cannot be told from what was revoked.
    const second = Math.floor(Date.now() / 1000);
    await until('another second', () => (Math.floor(Date.now() / 1000) > second ? true : undefined));
    await logIn(scene, 'ann');
  });
});

describe('obex login over a port of loopback', () => {
  it('proves to hold admin.token, and believes nobody who does not', async (context) => {
    const port = await freePort();
    const scene = await start(context, { admin: `listen: "127.0.0.1:${port}", token: "${TOKEN}"` });
    await logIn(scene, 'ann');
    const table = await obexLogin(scene, 'sessions');
    assert.match(
      table,
      /^SUBJECT +E-MAIL +CLIENT +SCOPES +SINCE +LAST CONFIRMED\nann +- +obex-\S{27}… +mcp:read +\d{4}/,
    );
    assert.equal(scene.obex.output().includes(TOKEN), false);
    writeFileSync(
      scene.obex.configPath,
      readFileSync(scene.obex.configPath, 'utf8').replace(TOKEN, TOKEN.toUpperCase()),
    );
    await assert.rejects(obexLogin(scene, 'revoke', '--all'), {
      code: 1,
      stdout: '',
      stderr: 'obex: the running Obex has another admin.token, or a clock of its own; reload or restart it\n',
    });
    scene.obex.kill('SIGHUP');
    await scene.obex.waitForEvent('reloaded');
    assert.equal(await obexLogin(scene, 'sessions'), table);
  });
});
