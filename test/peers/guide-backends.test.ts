/** The backends of docs/your-backend.md, run as they stand behind Obex: they learn from it who is calling. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { type GuideBackend, startGuideBackend } from '../support/guide-backend.ts';
import { bearer, formatConfig, startTestObex } from '../support/obex.ts';
import { startTestIssuer } from '../support/test-issuer.ts';

const USER = 'Zoë % Müller';

const BACKENDS: readonly GuideBackend[] = [
  {
    language: 'js',
    file: 'backend.mjs',
    prepare: (folder) => ({ command: process.execPath, args: [join(folder, 'backend.mjs')] }),
  },
  {
    language: 'python',
    file: 'backend.py',
    prepare: (folder) => ({ command: 'python3', args: [join(folder, 'backend.py')] }),
  },
];

before(() => requireDebianPackages());

for (const backend of BACKENDS) {
  describe(`the backend in ${backend.language} of docs/your-backend.md`, () => {
    it('answers a user with the scope, and nobody else', async (t) => {
      const clock = new FakeClock();
      const issuer = await startTestIssuer(t, clock);
      const port = await freePort();
      await startGuideBackend(t, { ...backend, heading: 'Who is calling', port });
      const yaml = formatConfig({ backend: { port }, issuer });
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
