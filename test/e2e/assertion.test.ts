/** A statement of who is calling that the backend can verify by itself: `backend.assertion`. RFC 7519, RFC 7517 §5, RFC 8725 §3.11. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose';
import { bodyOf, PUBLIC_URL } from '../support/obex.ts';
import { startPhase3 } from '../support/phase-3.ts';
import { type Phase2Stack, startPhase2 } from '../support/stack.ts';
import { createTempFolder } from '../support/temp-folder.ts';

const KEYS = '/.well-known/obex-jwks.json';
const TTL_MS = 60_000;
const SKEW_MS = 10_000;
const ON = 'assertion: { enabled: true }';

const start = (context: TestContext, backend = ON): Promise<Phase2Stack> =>
  startPhase2(context, { sections: { backend } });

/** What the backend is sent with one more request. */
async function sent({ obex, backend }: Phase2Stack, lines: readonly string[]): Promise<string> {
  const before = backend.requests.length;
  assert.equal((await obex.send({ lines })).status, 200);
  const [assertion = '', ...more] = (await backend.request(before)).values('X-Obex-Assertion');
  assert.equal(more.length, 0);
  return assertion;
}

async function keysOf({ obex }: Phase2Stack): Promise<JSONWebKeySet> {
  const response = await obex.send({ target: KEYS });
  assert.equal(response.status, 200);
  const set: JSONWebKeySet = JSON.parse(response.body.toString());
  return set;
}

/** As a backend verifies it. */
async function verify(stack: Phase2Stack, assertion: string, audience = `http://127.0.0.1:${stack.backend.port}`) {
  const { payload } = await jwtVerify(assertion, createLocalJWKSet(await keysOf(stack)), {
    issuer: PUBLIC_URL,
    audience,
    typ: 'obex-assertion+jwt',
    currentDate: new Date(stack.clock.nowMs()),
  });
  return payload;
}

describe('X-Obex-Assertion', () => {
  it('says who is calling, for this backend, signed by Obex', async (context) => {
    const stack = await start(
      context,
      `${ON}\nclaim_headers: { X-Email: email, X-Groups: /groups, X-Roles: /realm_access/roles, X-Token: jti, X-None: none }`,
    );
    const claims = {
      email: 'zoë@example.com',
      groups: ['a,b', 'c'],
      realm_access: { roles: [1, true] },
      jti: 'of the token',
      scope: 'mcp:write mcp:read',
    };
    const { iat, exp, jti, ...payload } = await verify(
      stack,
      await sent(stack, [await stack.authorization({ claims })]),
    );
    const now = stack.clock.nowSeconds;
    assert.deepEqual({ iat, exp }, { iat: now, exp: now + TTL_MS / 1000 });
    assert.match(String(jti), /^[0-9a-f-]{36}$/);
    assert.deepEqual(payload, {
      iss: PUBLIC_URL,
      aud: `http://127.0.0.1:${stack.backend.port}`,
      token_issuer: stack.issuer.url,
      sub: 'alice',
      client_id: 'client-1',
      scope: 'mcp:read mcp:write',
      email: 'zoë@example.com',
      groups: ['a,b', 'c'],
      '/realm_access/roles': [1, true],
    });
  });

  it('is for the configured audience, and names neither subject nor client that the token does not name', async (context) => {
    const stack = await start(context, 'assertion: { enabled: true, audience: "https://tool.internal" }');
    const line = await stack.authorization({ claims: { sub: undefined, client_id: undefined } });
    const payload = await verify(stack, await sent(stack, [line]), 'https://tool.internal');
    assert.deepEqual(Object.keys(payload).toSorted(), ['aud', 'exp', 'iat', 'iss', 'jti', 'scope', 'token_issuer']);
  });

  it('is made once for a token and half its life, and then anew', async (context) => {
    const stack = await start(context);
    const line = await stack.authorization();
    const first = await sent(stack, [line]);
    stack.clock.advance(TTL_MS / 2 - 1);
    assert.equal(await sent(stack, [line]), first);
    stack.clock.advance(1);
    const second = await sent(stack, [line]);
    const [before, after] = [await verify(stack, first), await verify(stack, second)];
    assert.notEqual(before.jti, after.jti);
    assert.equal(after.exp, Number(before.exp) + TTL_MS / 2000);
  });

  it('is made anew when the clock has been set back: the old one would be of the future', async (context) => {
    const stack = await start(context);
    const line = await stack.authorization();
    const first = await sent(stack, [line]);
    stack.clock.jump(-5000);
    const { iat } = await verify(stack, await sent(stack, [line]));
    assert.equal(iat, stack.clock.nowSeconds);
    assert.notEqual(await sent(stack, [line]), first);
  });

  it('never outlives its token', async (context) => {
    const stack = await start(context);
    const exp = stack.clock.nowSeconds + 20;
    const { exp: assertionExp } = await verify(
      stack,
      await sent(stack, [await stack.authorization({ claims: { exp: exp + 0.9 } })]),
    );
    assert.equal(assertionExp, exp);
  });

  it('of another token is another one', async (context) => {
    const stack = await start(context);
    const bob = await sent(stack, [await stack.authorization({ claims: { sub: 'bob' } })]);
    await sent(stack, [await stack.authorization()]);
    assert.equal((await verify(stack, bob)).sub, 'bob');
  });

  it('goes with bound tokens too', async (context) => {
    const stack = await startPhase3(context, { sections: { backend: ON } });
    const { lines = [] } = await stack.request();
    assert.equal((await verify(stack, await sent(stack, lines))).sub, 'alice');
  });

  it('never comes from a client, whether Obex sends one or not', async (context) => {
    const forged = ['X-Obex-Assertion: forged', 'x_obex_assertion: forged'];
    const on = await start(context);
    assert.notEqual(await sent(on, [await on.authorization(), ...forged]), 'forged');
    const off = await start(context, '');
    assert.equal(await sent(off, [await off.authorization(), ...forged]), '');
    assert.doesNotMatch(on.backend.received() + off.backend.received(), /forged/);
  });

  it('is left out when it would be longer than servers read, which is said in the log', async (context) => {
    const stack = await start(context);
    const scope = Array.from({ length: 550 }, (_, index) => `mcp:scope-${index}`).join(' ');
    assert.equal(await sent(stack, [await stack.authorization({ claims: { scope } })]), '');
    const { fields } = await stack.obex.event('fields_withheld');
    assert.deepEqual(fields, { 'X-Obex-Assertion': 'too_long' });
  });
});

describe(KEYS, () => {
  it('is open to everybody, browsers included, and holds public keys alone', async (context) => {
    const stack = await start(context);
    const response = await stack.obex.send({ target: KEYS, lines: ['Origin: https://elsewhere.example'] });
    assert.equal(response.status, 200);
    assert.deepEqual(response.values('content-type'), ['application/jwk-set+json']);
    assert.deepEqual(response.values('cache-control'), ['public, max-age=60']);
    assert.deepEqual(response.values('access-control-allow-origin'), ['*']);
    const { keys } = await keysOf(stack);
    const [{ x: _x, y: _y, kid, ...key } = {}, ...more] = keys;
    assert.deepEqual(key, { kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256' });
    assert.equal(more.length, 0);
    const { kid: logged, made_at_start: isMade } = await stack.obex.event('assertion_key');
    assert.deepEqual({ logged, isMade }, { logged: kid, isMade: true });
    assert.equal((await stack.obex.send({ target: KEYS, method: 'POST' })).status, 405);
    assert.equal(stack.backend.requests.length, 0);
  });

  it('is a path like any other where no assertion is sent', async (context) => {
    const stack = await start(context, '');
    const { status, values } = await stack.obex.send({ target: KEYS });
    assert.equal(status, 401);
    assert.equal(values('www-authenticate').length, 1);
  });
});

/** A key in a file, as `openssl genpkey` writes it. */
function keyFile(context: TestContext): { readonly path: string; write(key: KeyObject): void } {
  const folder = createTempFolder('assertion-key');
  context.after(() => folder.remove());
  const path = join(folder.path, 'key.pem');
  return { path, write: (key) => writeFileSync(path, key.export({ type: 'pkcs8', format: 'pem' })) };
}

describe('backend.assertion.key_file', () => {
  const kinds = [
    ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['ES384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['EdDSA', () => generateKeyPairSync('ed25519').privateKey],
    ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
  ] as const;

  for (const [alg, create] of kinds) {
    it(`signs with ${alg} where the key is for that`, async (context) => {
      const file = keyFile(context);
      file.write(create());
      const stack = await start(context, `assertion: { enabled: true, key_file: "${file.path}" }`);
      const assertion = await sent(stack, [await stack.authorization()]);
      assert.equal(decodeProtectedHeader(assertion).alg, alg);
      assert.equal((await verify(stack, assertion)).sub, 'alice');
    });
  }

  it('is read again by a reload; the key before it stays published as long as its assertions are good', async (context) => {
    const file = keyFile(context);
    const write = (): void => file.write(generateKeyPairSync('ed25519').privateKey);
    write();
    const section = { backend: `assertion: { enabled: true, key_file: "${file.path}" }` };
    const stack = await startPhase2(context, { sections: section });
    const line = await stack.authorization();
    const old = await sent(stack, [line]);
    write();
    await stack.obex.reload(stack.config(section));
    const fresh = await sent(stack, [line]);
    assert.notEqual(decodeProtectedHeader(fresh).kid, decodeProtectedHeader(old).kid);
    assert.equal((await verify(stack, old)).sub, 'alice');
    assert.equal((await verify(stack, fresh)).sub, 'alice');

    // Reloads that leave the file as it is change nothing.
    await stack.obex.reload(stack.config(section));
    stack.clock.advance(TTL_MS + SKEW_MS - 1);
    assert.equal((await keysOf(stack)).keys.length, 2);
    stack.clock.advance(1);
    const { keys } = await keysOf(stack);
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      [decodeProtectedHeader(fresh).kid],
    );
  });

  it('absent: the key that was made at start stays over a reload', async (context) => {
    const stack = await start(context);
    const before = await keysOf(stack);
    await stack.obex.reload(stack.config({ backend: `${ON}\ntimeout: "1m"` }));
    assert.deepEqual(await keysOf(stack), before);
  });

  it('refuses a reload with a key that it cannot sign with, and goes on with the old one', async (context) => {
    const file = keyFile(context);
    file.write(generateKeyPairSync('ed25519').privateKey);
    const section = { backend: `assertion: { enabled: true, key_file: "${file.path}" }` };
    const stack = await startPhase2(context, { sections: section });
    file.write(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey);
    await assert.rejects(stack.obex.reload(stack.config(section)), {
      message:
        `backend.assertion.key_file: ${file.path} holds a key that cannot sign assertions; ` +
        'take EC P-256 or P-384, Ed25519, or RSA of 2048 to 4096 bits',
    });
    assert.equal((await verify(stack, await sent(stack, [await stack.authorization()]))).sub, 'alice');
    assert.equal(bodyOf(await stack.obex.send({ target: '/health' }))['status'], 'ok');
  });
});
