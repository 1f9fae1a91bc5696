/** `login` in a running Obex: from the registration of a client to a request that its token lets through. RFC 6749 §4.1, RFC 7591, RFC 9728. */
import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { z } from 'zod';
import { formatLoginConfig, type LoginConfigParts, LoginWalk, SECRET } from '../../support/login-walk.ts';
import { type ObexProcess, startObexProcess } from '../../support/obex-process.ts';
import { startRecordingBackend } from '../../support/recording-backend.ts';
import { CLIENT_SECRET, startStandInIdp } from '../../support/stand-in-idp.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const Metadata = z.object({ authorization_servers: z.array(z.string()) });

async function start(context: TestContext, parts: Pick<LoginConfigParts, 'login' | 'workers' | 'withoutScopes'> = {}) {
  const idp = await startStandInIdp(context);
  const backend = await startRecordingBackend(context);
  const config = (port: number): string => formatLoginConfig({ ...parts, port, backend, idp });
  const obex = await startObexProcess({ config });
  context.after(() => obex.stop());
  const base = `http://localhost:${obex.port}`;
  return { obex, backend, base, config, walk: new LoginWalk(base, idp) };
}

function events(obex: ObexProcess, name: string) {
  return obex.logs().filter(({ event }) => event === name);
}

describe('login', () => {
  for (const workers of [1, 2]) {
    it(`takes a client from 401 to the backend, ${workers} of those that serve`, async (context) => {
      const { obex, base, walk, backend } = await start(context, { workers });
      const prm = await fetch(`${base}/.well-known/oauth-protected-resource/mcp`);
      assert.deepEqual(Metadata.parse(await prm.json()).authorization_servers, [base]);
      await walk.go();
      // On connections of their own, so that each of them may be asked.
      for (let count = 0; count < 4; count += 1) assert.equal(await walk.call(), 200);
      assert.equal(backend.requests.length, 4);
      const ready = await fetch(`${base}/ready`);
      assert.equal(ready.status, 200, await ready.text());
      await until('access lines', () => (events(obex, 'request').length >= 10 ? true : undefined));
      const { access_token: accessToken, refresh_token: refreshToken } = walk.tokens;
      for (const secret of [accessToken, refreshToken, walk.code, 'code-of-the-idp', CLIENT_SECRET, SECRET]) {
        assert.ok(!obex.output().includes(secret), `${secret} is in the log`);
      }
    });
  }

  it('a reload puts other words on the pages and keeps clients, tokens and the store', async (context) => {
    const folder = createTempFolder('login');
    context.after(() => folder.remove());
    const store = `  store: { backend: sqlite, path: "${path.join(folder.path, 'login.db')}" }\n`;
    const { obex, base, walk, backend } = await start(context, { login: store });
    await walk.go();
    const before = readFileSync(obex.configPath, 'utf8');
    writeFileSync(obex.configPath, `${before}  title: "Tools of Ann"\n`);
    obex.kill('SIGHUP');
    await obex.waitForEvent('reloaded');
    const page = await (await fetch(`${base}/oauth/authorize?client_id=nobody`)).text();
    assert.match(page, /Tools of Ann/);
    assert.equal(await walk.call(), 200);
    await walk.go('authorize');
    assert.equal(backend.requests.length, 1);
    assert.equal(statSync(path.join(folder.path, 'login.db')).mode & 0o777, 0o600);
    assert.deepEqual(events(obex, 'login_thread_failed'), []);
    assert.equal(obex.output().includes('oidc-provider'), false, 'libraries say nothing on standard error');
  });

  it('a restart knows clients and tokens again, from the file and the secret', async (context) => {
    const folder = createTempFolder('login');
    context.after(() => folder.remove());
    const login = `  store: { backend: sqlite, path: "${path.join(folder.path, 'login.db')}" }\n`;
    const { obex, walk, config, backend } = await start(context, { login });
    await walk.go();
    obex.kill('SIGTERM');
    assert.deepEqual(await obex.ended(), { code: 0, signal: null });
    const next = await startObexProcess({ config: config(obex.port) });
    context.after(() => next.stop());
    assert.equal(await walk.call(), 200);
    await walk.go('authorize');
    assert.equal(backend.requests.length, 1);
  });

  it('needs no scopes', async (context) => {
    const { walk, backend } = await start(context, { withoutScopes: true });
    await walk.go('register', 'refresh');
    assert.equal(await walk.call(), 200);
    assert.equal(backend.requests.length, 1);
  });

  it('does not start without its store, and says why', async (context) => {
    await assert.rejects(
      start(context, { login: '  store: { backend: sqlite, path: "/nonexistent/login.db" }\n' }),
      /obex: login: .*\/nonexistent/,
    );
  });
});
