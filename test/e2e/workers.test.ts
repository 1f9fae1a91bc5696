/** `obex.workers: 2`: threads on one port that keep one truth. The kernel spreads connections, so each test opens many. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { hashAccessToken } from '../../src/oauth/dpop-proof.ts';
import { createCertificate } from '../support/certificate.ts';
import { createProver } from '../support/dpop.ts';
import { parseExposition, type ScrapedSample } from '../support/exposition.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import {
  bearer,
  bodyOf,
  type ConfigParts,
  formatConfig,
  formatRequest,
  RESOURCE,
  type RequestText,
  sendOn,
} from '../support/obex.ts';
import { type ObexProcess, startObexProcess } from '../support/obex-process.ts';
import { openRaw, type RawClient, type RawResponse } from '../support/raw-http.ts';
import { OK_BODY, type RecordingBackend, reply, startRecordingBackend } from '../support/recording-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { issuerKey, startTestIssuer, type TestIssuer } from '../support/test-issuer.ts';
import { until } from '../support/until.ts';

/** All of them on one of two workers: once in 2⁴⁷ runs. */
const CONNECTIONS = 48;

interface Stack {
  readonly obex: ObexProcess;
  /** Tokens and proofs are made for it. */
  readonly clock: FakeClock;
  readonly backend: RecordingBackend;
  readonly issuer: TestIssuer;
  /** The config in force with these sections instead. */
  config(sections?: ConfigParts['sections']): string;
  open(): Promise<RawClient>;
  /** One connection for each request, all at once; they stay open. */
  sendAll(requests: readonly RequestText[]): Promise<readonly RawResponse[]>;
  sample(name: string, labels?: ScrapedSample['labels']): Promise<number | undefined>;
}

/** Obex in a process of its own with two workers that have the keys of their issuer. */
async function start(context: TestContext, sections: ConfigParts['sections'] = {}): Promise<Stack> {
  const clock = new FakeClock();
  clock.advance(Math.floor(Date.now() / 1000) * 1000 - clock.nowMs());
  const backend = await startRecordingBackend(context);
  const issuer = await startTestIssuer(context, clock);
  const config = (more: ConfigParts['sections'] = {}): string =>
    formatConfig({ backend, issuer, sections: { ...more, obex: `workers: 2\n${more.obex ?? ''}` } });
  const obex = await startObexProcess({ config: config(sections) });
  context.after(() => obex.stop());
  await obex.waitForEvent('jwks_fetched');
  const open = async (): Promise<RawClient> => {
    const client = await openRaw(obex.port);
    context.after(() => client.destroy());
    return client;
  };
  const sendAll = (requests: readonly RequestText[]): Promise<readonly RawResponse[]> =>
    Promise.all(requests.map(async (request) => sendOn(await open(), request)));
  const sample: Stack['sample'] = async (name, labels = {}) => {
    const client = await open();
    const { body } = await sendOn(client, { target: '/metrics' });
    client.destroy();
    const samples = parseExposition(body.toString()).flatMap((family) => family.samples);
    const wanted = JSON.stringify(labels);
    return samples.find((one) => one.name === name && JSON.stringify(one.labels) === wanted)?.value;
  };
  return { obex, clock, backend, issuer, config, open, sendAll, sample };
}

function times(count: number, request: RequestText): readonly RequestText[] {
  return Array.from({ length: count }, () => request);
}

/** How often each outcome came: the reason of a refusal, else the status. */
function tally(responses: readonly RawResponse[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const response of responses) {
    const outcome = response.status < 400 ? String(response.status) : String(bodyOf(response)['reason']);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  }
  return counts;
}

/** All are refused, and from the 31st on as a loop. */
function refusedInLoop(reason: string): Readonly<Record<string, number>> {
  return { [reason]: 30, refusal_loop: CONNECTIONS - 30 };
}

async function authorized({ issuer }: Stack, options: Parameters<TestIssuer['token']>[0] = {}): Promise<RequestText> {
  return { lines: [bearer(await issuer.token(options))] };
}

/** Both workers have verified the token: each keeps it in a cache of its own. */
async function cacheInBoth(stack: Stack, request: RequestText): Promise<void> {
  assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, request))), { 200: CONNECTIONS });
  assert.equal(await stack.sample('obex_token_cache_entries'), 2);
}

describe('obex.workers', () => {
  it('serve together: connections land on both, and any of them shows the metrics of the process', async (context) => {
    const stack = await start(context);
    await cacheInBoth(stack, await authorized(stack));
    const { url } = stack.issuer;
    const scrapes = Array.from({ length: 8 }, () =>
      Promise.all([
        stack.sample('obex_token_cache_entries'),
        stack.sample('obex_event_streams'),
        stack.sample('obex_jwks_keys', { issuer: url }),
        stack.sample('obex_jwks_fetches_total', { issuer: url, result: 'success' }),
        stack.sample('obex_access_lines_dropped_total'),
      ]),
    );
    for (const values of await Promise.all(scrapes)) assert.deepEqual(values, [2, 0, 1, 1, 0]);
    const hits = await stack.sample('obex_token_cache_lookups_total', { result: 'hit' });
    const misses = await stack.sample('obex_token_cache_lookups_total', { result: 'miss' });
    assert.equal((hits ?? 0) + (misses ?? 0), CONNECTIONS);
    assert.equal(await stack.sample('obex_denials_total', { reason: 'no_token' }), 0);
    assert.ok(((await stack.sample('obex_connections')) ?? 0) > CONNECTIONS);
  });

  it('metrics.listen: one listener for all', async (context) => {
    const port = await freePort();
    const stack = await start(context, { metrics: `listen: "127.0.0.1:${port}"` });
    assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, await authorized(stack)))), { 200: CONNECTIONS });
    const client = await openRaw(port);
    context.after(() => client.destroy());
    const page = (await sendOn(client, { target: '/metrics' })).body.toString();
    assert.match(page, /^obex_token_cache_entries 2$/m);
    assert.match(page, new RegExp(`^obex_requests_total\\{code="200"\\} ${CONNECTIONS}$`, 'm'));
  });

  it('one more Obex on the port is refused, although the workers share it', async (context) => {
    const { obex, config } = await start(context);
    const second = config().replace('127.0.0.1:0', `127.0.0.1:${obex.port}`);
    await assert.rejects(
      startObexProcess({ config: second }),
      /obex\.listen: cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/,
    );
  });

  it('every line of the log is whole and there, up to the last', async (context) => {
    const stack = await start(context);
    const target = `/mcp/${'x'.repeat(7_000)}`;
    const responses = await stack.sendAll(times(CONNECTIONS, { ...(await authorized(stack)), target }));
    stack.obex.kill('SIGTERM');
    assert.deepEqual(await stack.obex.ended(), { code: 0, signal: null });
    // Each line is parsed as JSON here.
    const logged = stack.obex.logs().filter(({ event }) => event === 'request');
    const ids = responses.flatMap((response) => response.values('x-obex-request-id'));
    assert.deepEqual(logged.map((line) => String(line['request_id'])).toSorted(), ids.toSorted());
    for (const line of logged) assert.equal(line['path'], target);
  });
});

describe('limits hold for the process', () => {
  it('rate limit of a client address: exactly the burst passes', async (context) => {
    const stack = await start(context, { limits: 'rate_limit: { requests_per_second: 0.001, burst: 10 }' });
    assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, {}))), {
      no_token: 10,
      rate_limited: CONNECTIONS - 10,
    });
  });

  it('rate limit of a subject: exactly the burst passes', async (context) => {
    const stack = await start(context, { limits: 'rate_limit: { requests_per_second: 0.001, burst: 10 }' });
    const request = await authorized(stack);
    const responses: RawResponse[] = [];
    // One after the other: a first look at a token is charged to the address until it has proved valid.
    for (let index = 0; index < CONNECTIONS; index += 1) responses.push(...(await stack.sendAll([request])));
    assert.deepEqual(tally(responses), { 200: 10, rate_limited: CONNECTIONS - 10 });
    assert.equal(stack.backend.requests.length, 10);
  });

  it('backend.max_requests', async (context) => {
    const stack = await start(context, { backend: 'max_requests: 3' });
    stack.backend.answer = () => undefined;
    const held: RecordingBackend['requests'][number][] = [];
    const all = stack.sendAll(times(CONNECTIONS, await authorized(stack)));
    for (const index of [0, 1, 2]) held.push(await stack.backend.request(index));
    await until('the others are refused', async () =>
      (await stack.sample('obex_denials_total', { reason: 'overloaded' })) === CONNECTIONS - 3 ? true : undefined,
    );
    for (const { socket } of held) reply(socket, '200 OK', [], OK_BODY);
    assert.deepEqual(tally(await all), { 200: 3, overloaded: CONNECTIONS - 3 });
    assert.equal(stack.backend.requests.length, 3);
  });

  it('limits.max_requests_per_principal', async (context) => {
    const stack = await start(context, { limits: 'max_requests_per_principal: 3' });
    stack.backend.answer = () => undefined;
    const all = stack.sendAll(times(CONNECTIONS, await authorized(stack)));
    for (const index of [0, 1, 2]) await stack.backend.request(index);
    await until('the others are refused', async () =>
      (await stack.sample('obex_denials_total', { reason: 'too_many_in_flight' })) === CONNECTIONS - 3
        ? true
        : undefined,
    );
    const bob = stack.sendAll([await authorized(stack, { claims: { sub: 'bob' } })]);
    await stack.backend.request(3);
    for (const { socket } of stack.backend.requests) reply(socket, '200 OK', [], OK_BODY);
    assert.deepEqual(tally(await bob), { 200: 1 });
    assert.deepEqual(tally(await all), { 200: 3, too_many_in_flight: CONNECTIONS - 3 });
  });

  it('refusal_loop: thirty refusals in a minute, whichever workers give them, and one event', async (context) => {
    const stack = await start(context);
    const requests = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, jti) => authorized(stack, { claims: { aud: 'https://b.example', jti } })),
    );
    assert.deepEqual(tally(await stack.sendAll(requests)), refusedInLoop('audience_mismatch'));
    await stack.obex.waitForEvent('refusal_loop');
    assert.equal(stack.obex.logs().filter(({ event }) => event === 'refusal_loop').length, 1);
    assert.deepEqual(tally(await stack.sendAll([await authorized(stack)])), { 200: 1 });
  });

  it('limits.max_connections', async (context) => {
    const stack = await start(context, { limits: 'max_connections: 5' });
    const outcomes: RawResponse[] = [];
    for (let index = 0; index < 12; index += 1) outcomes.push(...(await stack.sendAll([{}])));
    assert.deepEqual(tally(outcomes.slice(0, 5)), { no_token: 5 });
    assert.deepEqual(tally(outcomes.slice(5)), { overloaded: 7 });
  });

  it('RFC 9449 §11.1: a proof is good for one request, whichever worker has seen it', async (context) => {
    const stack = await start(context, { dpop: 'enabled: true' });
    const client = createProver();
    const token = await stack.issuer.token({ claims: { cnf: { jkt: client.jkt } } });
    const claims = { htm: 'GET', htu: RESOURCE, iat: stack.clock.nowSeconds, ath: hashAccessToken(token) };
    const lines = [`Authorization: DPoP ${token}`, `DPoP: ${client.prove({ claims })}`];
    const responses = await stack.sendAll(times(CONNECTIONS, { lines }));
    assert.deepEqual(tally(responses), { 200: 1, dpop_replayed: CONNECTIONS - 1 });
  });

  it('RFC 9449 §8: a nonce of one worker is known to the other', async (context) => {
    const stack = await start(context, { dpop: 'enabled: true\nnonce: required' });
    const client = createProver();
    const token = await stack.issuer.token({ claims: { cnf: { jkt: client.jkt } } });
    const prove = (nonce?: string): RequestText => {
      const claims = { htm: 'GET', htu: RESOURCE, iat: stack.clock.nowSeconds, ath: hashAccessToken(token), nonce };
      return { lines: [`Authorization: DPoP ${token}`, `DPoP: ${client.prove({ claims })}`] };
    };
    const [challenge] = await stack.sendAll([prove()]);
    const [nonce = ''] = challenge?.values('dpop-nonce') ?? [];
    const requests = Array.from({ length: CONNECTIONS }, () => prove(nonce));
    assert.deepEqual(tally(await stack.sendAll(requests)), { 200: CONNECTIONS });
  });
});

describe('keys', () => {
  it('unknown kids cause five fetches, however many workers see them', async (context) => {
    const stack = await start(context);
    const before = stack.issuer.fetches();
    const forged = async (kid: string): Promise<RequestText> =>
      authorized(stack, { key: issuerKey('ES256', 'forger', kid) });
    for (let round = 0; round < 10; round += 1) {
      const requests = await Promise.all(Array.from({ length: 16 }, (_, index) => forged(`${round}-${index}`)));
      assert.deepEqual(tally(await stack.sendAll(requests)), { unknown_key: 16 });
    }
    assert.equal(stack.issuer.fetches() - before, 5);
  });

  it('a removed key takes its cached tokens along, in both workers', async (context) => {
    const stack = await start(context);
    const old = await authorized(stack);
    await cacheInBoth(stack, old);
    const rotated = issuerKey('RS256', 'key-2');
    stack.issuer.publish(rotated);
    const renewed = await authorized(stack, { key: rotated });
    assert.deepEqual(tally(await stack.sendAll([renewed])), { 200: 1 }, 'the new key is fetched for it');
    await until('only the new token is kept', async () =>
      (await stack.sample('obex_token_cache_entries')) === 1 ? true : undefined,
    );
    assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, old))), refusedInLoop('unknown_key'));
    assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, renewed))), { 200: CONNECTIONS });
  });
});

describe('backend.assertion', () => {
  it('is signed by all workers with one key, which stays over a reload', async (context) => {
    const sections = { backend: 'assertion: { enabled: true }' };
    const stack = await start(context, sections);
    const request = await authorized(stack);
    const kids = new Set<unknown>();
    const collect = async (): Promise<void> => {
      await cacheInBoth(stack, request);
      for (const received of stack.backend.requests) {
        kids.add(decodeProtectedHeader(received.values('X-Obex-Assertion')[0] ?? '').kid);
      }
      for (const { body } of await stack.sendAll(times(8, { target: '/.well-known/obex-jwks.json' }))) {
        for (const { kid } of parseKeys(body)) kids.add(kid);
      }
    };
    await collect();
    writeFileSync(stack.obex.configPath, stack.config({ backend: `${sections.backend}\ntimeout: "1m"` }));
    stack.obex.kill('SIGHUP');
    await stack.obex.waitForEvent('reloaded');
    await collect();
    assert.equal(kids.size, 1);
  });
});

function parseKeys(body: Buffer): JSONWebKeySet['keys'] {
  const { keys }: JSONWebKeySet = JSON.parse(body.toString());
  return keys;
}

describe('reload', () => {
  it('is in force in all workers when it is said to be', async (context) => {
    const stack = await start(context);
    const request = await authorized(stack);
    writeFileSync(stack.obex.configPath, stack.config({ authz: 'required_scopes: ["mcp:admin"]' }));
    stack.obex.kill('SIGHUP');
    await stack.obex.waitForEvent('reloaded');
    assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, request))), refusedInLoop('insufficient_scope'));
  });

  it('takes a new issuer into all workers', async (context) => {
    const stack = await start(context);
    const other = await startTestIssuer(context, stack.clock, issuerKey('ES256', 'other'));
    const config = formatConfig({ backend: stack.backend, issuer: other, sections: { obex: 'workers: 2' } });
    writeFileSync(stack.obex.configPath, config);
    stack.obex.kill('SIGHUP');
    await stack.obex.waitForEvent('reloaded');
    const request = { lines: [bearer(await other.token())] };
    assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, request))), { 200: CONNECTIONS });
    assert.equal(other.fetches(), 1);
    const former = await stack.sendAll(times(CONNECTIONS, await authorized(stack)));
    assert.deepEqual(tally(former), refusedInLoop('invalid_issuer'));
  });

  const wrong: Readonly<Record<string, (stack: Stack) => string>> = {
    'is no YAML': () => 'obex: [',
    'names a file that cannot be read': (stack) => stack.config({ backend: 'tls: { ca_file: "/nowhere/ca.pem" }' }),
    'changes the number of workers': (stack) => stack.config().replace('workers: 2', 'workers: 3'),
  };
  for (const [what, write] of Object.entries(wrong)) {
    it(`is refused, and nothing changes in any worker, when the file ${what}`, async (context) => {
      const stack = await start(context);
      const request = await authorized(stack);
      await cacheInBoth(stack, request);
      writeFileSync(stack.obex.configPath, write(stack));
      stack.obex.kill('SIGHUP');
      await stack.obex.waitForEvent('reload_refused');
      assert.deepEqual(tally(await stack.sendAll(times(CONNECTIONS, request))), { 200: CONNECTIONS });
      assert.equal(await stack.sample('obex_token_cache_entries'), 2);
    });
  }
});

describe('TLS', () => {
  it('a session of one worker is resumed at the other', async (context) => {
    const folder = createTempFolder('workers');
    context.after(() => folder.remove());
    const { cert, key } = createCertificate('shared');
    const paths = { cert: join(folder.path, 'crt'), key: join(folder.path, 'key') };
    writeFileSync(paths.cert, cert);
    writeFileSync(paths.key, key);
    const tls = `tls: { enabled: true, cert_file: "${paths.cert}", key_file: "${paths.key}" }`;
    const stack = await start(context, { obex: tls });
    const options = { host: '127.0.0.1', port: stack.obex.port, rejectUnauthorized: false };
    const open = (session?: Buffer): TLSSocket => {
      const socket = connect({ ...options, ...(session && { session }) });
      context.after(() => void socket.destroy());
      return socket.resume();
    };
    const [session]: Buffer[] = await once(open(), 'session');
    const others = await Promise.all(
      Array.from({ length: CONNECTIONS }, async () => {
        const socket = open(session);
        await once(socket, 'secureConnect');
        return socket.isSessionReused();
      }),
    );
    assert.deepEqual(
      others,
      others.map(() => true),
    );
  });
});

describe('SIGTERM', () => {
  /** Requests that wait for the backend, on connections of both workers. */
  async function hold(stack: Stack): Promise<readonly RawClient[]> {
    stack.backend.answer = () => undefined;
    const request = formatRequest(await authorized(stack));
    const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => stack.open()));
    await Promise.all(clients.map((client) => client.send(request)));
    await stack.backend.request(CONNECTIONS - 1);
    return clients;
  }

  it('drains all workers: what runs is answered, then the process ends', async (context) => {
    const stack = await start(context);
    const clients = await hold(stack);
    stack.obex.kill('SIGTERM');
    await stack.obex.waitForEvent('draining');
    await until('the port is closed', () =>
      openRaw(stack.obex.port).then(
        (client) => client.destroy(),
        () => true,
      ),
    );
    for (const { socket } of stack.backend.requests) reply(socket, '200 OK', [], OK_BODY);
    for (const response of await Promise.all(clients.map((client) => client.readResponse()))) {
      assert.equal(response.body.toString(), OK_BODY);
      assert.deepEqual(response.values('connection'), ['close']);
    }
    assert.deepEqual(await stack.obex.ended(), { code: 0, signal: null });
    const events = stack.obex.logs().map(({ event }) => event);
    assert.deepEqual(
      events.filter((event) => ['listening', 'draining', 'stopped'].includes(event)),
      ['listening', 'draining', 'stopped'],
    );
  });

  it('a second one ends all at once', async (context) => {
    const stack = await start(context);
    const clients = await hold(stack);
    stack.obex.kill('SIGTERM');
    await stack.obex.waitForEvent('draining');
    stack.obex.kill('SIGTERM');
    assert.deepEqual(await stack.obex.ended(), { code: 1, signal: null });
    await Promise.all(clients.map((client) => client.closed));
    assert.equal(stack.obex.logs().at(-1)?.event, 'stopped_at_once');
  });
});
