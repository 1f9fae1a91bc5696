/** The backends of docs/your-backend.md that verify assertions, run as they stand behind Obex, and what each of them must take and refuse. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { SignJWT } from 'jose';
import { FakeClock } from './fake-clock.ts';
import { freePort } from './free-port.ts';
import { type GuideBackend, startGuideBackend } from './guide-backend.ts';
import { bearer, formatConfig, PUBLIC_URL, startTestObex } from './obex.ts';
import { createTempFolder } from './temp-folder.ts';
import { startTestIssuer } from './test-issuer.ts';

const AUDIENCE = 'https://tool.internal';
const USER = 'Zoë, "Müller"';

/** A test for each thing that can be wrong with an assertion. */
export function describeAssertionBackend(backend: GuideBackend): void {
  describe(`the backend in ${backend.language} of docs/your-backend.md that verifies assertions`, () => {
    it('answers whom Obex vouches for, and nobody else', async (context) => {
      const stack = await start(context, backend);
      const { status, body } = await stack.obex.send({
        lines: [bearer(await stack.issuer.token({ claims: { sub: USER } }))],
      });
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body.toString()), { user: USER, issuer: stack.issuer.url });

      assert.equal((await ask(stack.port, await stack.sign({}))).status, 200, 'the test itself signs as Obex does');
      for (const [what, assertion] of Object.entries(await stack.wrong())) {
        assert.equal((await ask(stack.port, assertion)).status, 403, what);
      }
      assert.equal((await fetch(`http://127.0.0.1:${stack.port}/`)).status, 403, 'without an assertion');
      assert.equal((await ask(stack.port, await stack.sign({}))).status, 200, 'it has lived through all of that');
    });
  });
}

const ask = (port: number, assertion: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${port}/`, { headers: { 'X-Obex-Assertion': assertion } });

async function start(context: TestContext, backend: GuideBackend) {
  const folder = createTempFolder('assertion-backend');
  context.after(() => folder.remove());
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const keyFile = join(folder.path, 'key.pem');
  writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  // The backend has a clock of its own.
  const clock = new FakeClock();
  clock.advance(Math.floor(Date.now() / 1000) * 1000 - clock.nowMs());
  const issuer = await startTestIssuer(context, clock);
  const port = await freePort();
  const sections = { backend: `assertion: { enabled: true, audience: "${AUDIENCE}", key_file: "${keyFile}" }` };
  const obex = await startTestObex(context, formatConfig({ backend: { port }, issuer, sections }), clock);
  await obex.event('jwks_fetched');
  const { kid } = await obex.event('assertion_key');
  const keys = `http://127.0.0.1:${obex.port}/.well-known/obex-jwks.json`;
  const env = { ISSUER: PUBLIC_URL, AUDIENCE, KEYS: keys };
  await startGuideBackend(context, { ...backend, heading: 'A signed assertion', port, env });

  const sign: Sign = ({ claims, header, key = privateKey }) => {
    const now = clock.nowSeconds;
    const all = {
      iss: PUBLIC_URL,
      aud: AUDIENCE,
      sub: USER,
      token_issuer: issuer.url,
      iat: now,
      exp: now + 60,
      ...claims,
    };
    const protectedHeader = { alg: 'ES256', typ: 'obex-assertion+jwt', kid: String(kid), ...header };
    return new SignJWT(all).setProtectedHeader(protectedHeader).sign(key);
  };
  return { obex, issuer, port, sign, wrong: () => signWrongly(sign, clock.nowSeconds) };
}

type Sign = (change: {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, string>>;
  readonly key?: KeyObject;
}) => Promise<string>;

async function signWrongly(sign: Sign, now: number): Promise<Readonly<Record<string, string>>> {
  const [header, payload, signature] = (await sign({})).split('.');
  const none = Buffer.from('{"alg":"none","typ":"obex-assertion+jwt"}').toString('base64url');
  const root = Buffer.from(JSON.stringify({ iss: PUBLIC_URL, aud: AUDIENCE, sub: 'root', exp: now + 60 }));
  return {
    'a key that is not of Obex': await sign({ key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey }),
    'a key that nobody knows': await sign({ header: { kid: 'unknown' } }),
    'another kind of JWT': await sign({ header: { typ: 'at+jwt' } }),
    'another issuer': await sign({ claims: { iss: 'https://other.example' } }),
    'another backend': await sign({ claims: { aud: 'https://other.internal' } }),
    'an expired one': await sign({ claims: { exp: now - 60 } }),
    'no signature': `${header}.${payload}.`,
    'a broken signature': `${header}.${payload}.AAAA`,
    'alg none': `${none}.${payload}.`,
    'other claims': `${header}.${root.toString('base64url')}.${signature}`,
    'no JWT': 'nonsense',
  };
}
