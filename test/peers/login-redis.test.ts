/** Several authorization servers that share one Redis: a login wanders between them. RFC 6749 §4.1, RFC 9700 §4.14. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { parseRedisUrl } from '../../src/lib/redis-url.ts';
import type { LoginOptions } from '../../src/login/options.ts';
import { startLoginServer } from '../../src/login/server.ts';
import { createLog } from '../../src/observe/log.ts';
import { fieldValues } from '../../src/wire/field-values.ts';
import { requireDebianPackages } from '../support/debian-packages.ts';
import { freePort } from '../support/free-port.ts';
import { Browser } from '../support/login-browser.ts';
import { Client, claimsIn, logIn, obtainCode, reachCallback, tokensIn } from '../support/login-client.ts';
import { loginOptions } from '../support/login-options.ts';
import { errorOf, type Login, startLogin } from '../support/login-server.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { createTempFolder } from '../support/temp-folder.ts';

requireDebianPackages();

const MARGIN_MS = 6_000;
const REFUSED = { status: 400, error: 'invalid_grant' };
const UNAVAILABLE = { status: 503, error: 'temporarily_unavailable' };

function storeIn({ port }: Pick<RedisServer, 'port'>): LoginOptions['store'] {
  return {
    backend: 'redis',
    url: parseRedisUrl(`redis://127.0.0.1:${port}`) ?? assert.fail(),
    ca: undefined,
    keyPrefix: 'obex:login:',
    connectTimeoutMs: 2_000,
    commandTimeoutMs: 1_000,
  };
}

/** Another process with the same configuration, as far as the store can tell. */
async function startReplica(t: TestContext, login: Login): Promise<Login> {
  const server = await startLoginServer(login.options, {
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    log: createLog('fatal', process.stderr),
    documents: {},
    onKeys: () => undefined,
    onRevocations: () => undefined,
  });
  t.after(() => server.stop());
  return {
    ...login,
    server,
    async ask({ method = 'GET', target, fields = [], body = '' }) {
      const request = { method, target, fields, body: Buffer.from(body), clientAddress: '203.0.113.7' };
      const answer = await server.handle({ ...request, requestId: 'at the replica' });
      const [location] = fieldValues(answer.fields, 'location');
      return { status: answer.status, fields: answer.fields, text: Buffer.from(answer.body).toString(), location };
    },
  };
}

/** Each request goes to the other one. */
function alternate(logins: readonly Login[]): Login {
  let requests = 0;
  const [first = assert.fail()] = logins;
  const next = (): Login => logins[(requests += 1) % logins.length] ?? first;
  return { ...first, ask: (asked) => next().ask(asked) };
}

async function start(t: TestContext, redis: Pick<RedisServer, 'port'>): Promise<Login> {
  // Whoever waits for a store asks again and again.
  const rateLimit = { ...loginOptions().rateLimit, refreshes: 1_000_000 };
  return startLogin(t, { options: { store: storeIn(redis), rateLimit } });
}

describe('two authorization servers on one Redis', () => {
  it('a login that begins in one ends in the other, and both sign with the same keys', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const one = await start(t, redis);
    const login = alternate([one, await startReplica(t, one)]);
    const { client, tokens } = await logIn(login);
    const [key] = one.keys[0] ?? [];
    const header: unknown = JSON.parse(Buffer.from(tokens.access.split('.')[0] ?? '', 'base64url').toString());
    assert.deepEqual(header, { alg: 'ES256', typ: 'at+jwt', kid: key?.kid });
    assert.equal(claimsIn(tokens.access)['scope'], 'mcp:read');
    let { refresh } = tokens;
    for (let round = 0; round < 3; round += 1) {
      login.clock.tick(60_000);
      refresh = tokensIn(await client.refresh(refresh)).refresh;
    }
  });

  it('RFC 6749 §4.1.2: a code that one has taken is refused by the other, and all that came of it', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const one = await start(t, redis);
    const two = await startReplica(t, one);
    const client = await Client.register(one);
    const code = await obtainCode(client, new Browser(one));
    const { refresh } = tokensIn(await client.redeem(code));
    const elsewhere = Object.assign(new Client(two, client.id), { verifier: client.verifier });
    assert.deepEqual(errorOf(await elsewhere.redeem(code)), REFUSED);
    assert.deepEqual(errorOf(await client.refresh(refresh)), REFUSED);
  });

  it('RFC 9700 §4.14.2: reuse of a refresh token at the other one ends the family', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const one = await start(t, redis);
    const two = await startReplica(t, one);
    const { client, tokens } = await logIn(one);
    const { refresh } = tokensIn(await client.refresh(tokens.refresh));
    one.clock.tick(10_001);
    const elsewhere = new Client(two, client.id);
    assert.deepEqual(errorOf(await elsewhere.refresh(tokens.refresh)), REFUSED);
    assert.deepEqual(errorOf(await client.refresh(refresh)), REFUSED);
  });

  it('another obex.secret is refused at start', async (t) => {
    const redis = await startRedis();
    t.after(() => redis.stop());
    const one = await start(t, redis);
    const options = { ...one.options, secret: 'another secret of at least 32 characters' };
    await assert.rejects(
      startReplica(t, { ...one, options }),
      /^Error: login\.store: what begins with obex:login: in 127\.0\.0\.1:\d+ was written with another obex\.secret/,
    );
  });
});

describe('a login whose Redis goes away', () => {
  it('answers 503 while it is down and until it is known what it has kept; nobody is logged out', async (t) => {
    const folder = createTempFolder('redis-data').path;
    const args = ['--appendonly', 'yes'];
    const redis = await startRedis({ folder, args });
    const login = await start(t, redis);
    const { client, tokens } = await logIn(login);
    const browser = new Browser(login);
    const callback = await reachCallback(client, browser);
    redis.cli('SHUTDOWN');
    assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), UNAVAILABLE);
    assert.equal((await browser.get(callback)).status, 503);
    // To begin one needs no store.
    assert.equal((await login.ask({ target: client.authorizeUrl() })).status, 303);
    assert.equal((await login.ask({ target: '/oauth/jwks' })).status, 200);
    const again = await startRedis({ folder, args, port: redis.port });
    t.after(() => again.stop());
    login.clock.tick(MARGIN_MS + 1);
    let answer = await client.refresh(tokens.refresh);
    while (answer.status === 503) {
      login.clock.tick(1_000);
      await new Promise((resolve) => setImmediate(resolve));
      answer = await client.refresh(tokens.refresh);
    }
    const { refresh } = tokensIn(answer);
    login.clock.tick(10_001);
    assert.deepEqual(errorOf(await client.refresh(tokens.refresh)), REFUSED, 'it was used');
    assert.deepEqual(errorOf(await client.refresh(refresh)), REFUSED, 'its family has ended');
  });

  it('does not start without it, and says why', async (t) => {
    const port = await freePort();
    await assert.rejects(start(t, { port }), (error: Error) => {
      assert.equal(error.message, `login.store: the Redis of redis.url (127.0.0.1:${port}) cannot be used`);
      return true;
    });
  });
});
