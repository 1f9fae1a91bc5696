/** The keys of a real IdP while it changes them, and while it is not there. RFC 7517 §5, RFC 8725 §3. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { after, before, describe, it } from 'node:test';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { freePort } from '../support/free-port.ts';
import type { Glewlwyd, SigningKey } from '../support/glewlwyd.ts';
import { generateSigningKey, startGlewlwyd } from '../support/glewlwyd.ts';
import type { ObexProcess } from '../support/obex-process.ts';
import { startObexProcess } from '../support/obex-process.ts';
import { formatPhase2Config, RESOURCE, SCOPE } from '../support/phase-2-config.ts';
import { sendRawRequest } from '../support/raw-request.ts';
import type { RememberingBackend } from '../support/remembering-backend.ts';
import { startRememberingBackend } from '../support/remembering-backend.ts';
import { until } from '../support/until.ts';

const ACCEPTED = '200 {}';
const UNKNOWN_KEY = '401 {"error":"unauthorized","reason":"unknown_key"}';
const INVALID_SIGNATURE = '401 {"error":"unauthorized","reason":"invalid_signature"}';
const JWKS_UNAVAILABLE = '503 {"error":"unavailable","reason":"jwks_unavailable"}';
const READY = '200 {"status":"ready","checks":{"backend":"ok","jwks":"ok"}}';
const NOT_READY = '503 {"status":"not_ready","checks":{"backend":"ok","jwks":"error"}}';

let backend: RememberingBackend;

before(async () => {
  requireDebianPackages();
  backend = await startRememberingBackend();
});

after(() => backend.stop());

/** glewlwyd and Obex in front of the backend, for one test. */
async function start(t: TestContext, key: SigningKey): Promise<{ idp: Glewlwyd; obex: ObexProcess }> {
  const idp = await startIdp(t, { key, port: await freePort() });
  return { idp, obex: await startObex(t, idp) };
}

async function startIdp(t: TestContext, options: { key: SigningKey; port: number }): Promise<Glewlwyd> {
  const idp = await startGlewlwyd({ resources: [RESOURCE], scopes: [SCOPE], ...options });
  t.after(() => idp.stop());
  return idp;
}

async function startObex(t: TestContext, idp: Glewlwyd): Promise<ObexProcess> {
  const obex = await startObexProcess({ config: formatPhase2Config({ backendPort: backend.port, idp }) });
  t.after(() => obex.stop());
  return obex;
}

async function get(obex: ObexProcess, target: string, headers: Record<string, string> = {}): Promise<string> {
  const { status, body } = await sendRawRequest({ port: obex.port, target, headers });
  return `${status} ${body.toString()}`;
}

function send(obex: ObexProcess, token: string): Promise<string> {
  return get(obex, '/mcp', { Authorization: `Bearer ${token}` });
}

describe('RFC 7517 §5, an IdP that rotates its key', () => {
  it('is believed at the first token under the new key, of another type too', async (t) => {
    const { idp, obex } = await start(t, generateSigningKey('RS256'));
    const before = await idp.getToken({ scope: SCOPE });
    assert.equal(await send(obex, before), ACCEPTED);

    await idp.rotateKey(generateSigningKey('ES256'));

    assert.equal(await send(obex, await idp.getToken({ scope: SCOPE })), ACCEPTED);
  });

  it('takes with it the tokens of a key that it no longer publishes, those verified before too', async (t) => {
    const { idp, obex } = await start(t, generateSigningKey('RS256'));
    const before = await idp.getToken({ scope: SCOPE });
    assert.equal(await send(obex, before), ACCEPTED);

    await idp.rotateKey(generateSigningKey('RS256'));
    assert.equal(await send(obex, await idp.getToken({ scope: SCOPE })), ACCEPTED);
    backend.forget();

    assert.equal(await send(obex, before), UNKNOWN_KEY);
    assert.deepEqual(backend.requests(), []);
  });

  it('is believed at the first token when the new key has the key id of the old one', async (t) => {
    const { idp, obex } = await start(t, generateSigningKey('RS256', 'main'));
    const before = await idp.getToken({ scope: SCOPE });
    assert.equal(await send(obex, before), ACCEPTED);

    await idp.rotateKey(generateSigningKey('RS256', 'main'));

    assert.equal(await send(obex, await idp.getToken({ scope: SCOPE })), ACCEPTED);
    assert.equal(await send(obex, before), INVALID_SIGNATURE);
  });
});

describe('an IdP that is down', () => {
  it('at start: Obex runs, is not ready, answers tokens with 503, and heals by itself when the IdP is there', async (t) => {
    const key = generateSigningKey('RS256');
    const port = await freePort();
    const idp = await startIdp(t, { key, port });
    const token = await idp.getToken({ scope: SCOPE });
    await idp.stop();
    backend.forget();

    const obex = await startObex(t, idp);
    assert.equal(await get(obex, '/health'), '200 {"status":"ok"}');
    assert.equal(await get(obex, '/ready'), NOT_READY);
    assert.equal(await send(obex, token), JWKS_UNAVAILABLE);
    assert.deepEqual(backend.requests(), []);

    await startIdp(t, { key, port });
    await until(
      '/ready to say that the keys are there',
      async () => (await get(obex, '/ready')) === READY || undefined,
    );
    assert.equal(await send(obex, token), ACCEPTED);
  });

  it('later: its tokens go on being accepted, those never seen before too', async (t) => {
    const { idp, obex } = await start(t, generateSigningKey('RS256'));
    const [seen, unseen] = [await idp.getToken({ scope: SCOPE }), await idp.getToken({ scope: SCOPE })];
    assert.equal(await send(obex, seen), ACCEPTED);

    await idp.stop();

    assert.equal(await send(obex, seen), ACCEPTED);
    assert.equal(await send(obex, unseen), ACCEPTED);
  });
});
