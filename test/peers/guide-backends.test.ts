/** The backends of docs/your-backend.md, run as they stand behind Obex: they learn from it who is calling. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { startChild } from '../support/child.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { readFencedBlocks } from '../support/fenced-blocks.ts';
import { freePort } from '../support/free-port.ts';
import { bearer, formatConfig, startTestObex } from '../support/obex.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { startTestIssuer } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';

const USER = 'Zoë % Müller';

const BACKENDS = [
  { language: 'js', command: process.execPath, file: 'backend.mjs' },
  { language: 'python', command: 'python3', file: 'backend.py' },
] as const;

before(() => requireDebianPackages());

/** Resolves to the port when it accepts connections. */
async function startBackend(t: TestContext, { language, command, file }: (typeof BACKENDS)[number]): Promise<number> {
  const blocks = readFencedBlocks('docs/your-backend.md').filter(({ heading }) => heading === 'Who is calling');
  const [block, ...more] = blocks.filter((each) => each.language === language);
  assert.ok(block !== undefined && more.length === 0, `one block of ${language}`);
  const folder = createTempFolder('guide');
  t.after(() => folder.remove());
  const path = join(folder.path, file);
  writeFileSync(path, block.text);
  const port = await freePort();
  const child = startChild({ command, args: [path], env: { PORT: String(port) } });
  t.after(async () => void (await child.stop()));
  await until(`${file} to listen`, async () => {
    if (child.exitStatus() !== undefined) throw new Error(child.stderr());
    return fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => undefined,
    );
  });
  return port;
}

for (const backend of BACKENDS) {
  describe(`the backend in ${backend.language} of docs/your-backend.md`, () => {
    it('answers a user with the scope, and nobody else', async (t) => {
      const clock = new FakeClock();
      const issuer = await startTestIssuer(t, clock);
      const yaml = formatConfig({ backend: { port: await startBackend(t, backend) }, issuer });
      const obex = await startTestObex(t, yaml, clock);
      await obex.event('jwks_fetched');
      const call = async (claims: Readonly<Record<string, unknown>>) => {
        const forged = ['X-Obex-User: root', 'X-Obex-Scopes: mcp:read'];
        const { status, body } = await obex.send({ lines: [bearer(await issuer.token({ claims })), ...forged] });
        return { status, body: body.toString('utf8') };
      };

      const { status, body } = await call({ sub: USER, scope: 'mcp:write mcp:read' });
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body), { user: USER, issuer: issuer.url });
      assert.equal((await call({ sub: USER, scope: 'mcp:write' })).status, 403);
      assert.equal((await call({ sub: undefined })).status, 403);
    });
  });
}
