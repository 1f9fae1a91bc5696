/** Fetching what a stranger named: from the address that was looked at, and from no other. draft-ietf-oauth-client-id-metadata-document §6.5. */
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import {
  createFetchDocument,
  type FetchDocumentParts,
  type FetchedDocument,
  TO_THE_PUBLIC_INTERNET,
} from '../../../../src/login/clients/fetch-document.ts';
import { type ConnectProxy, startConnectProxy } from '../../../support/connect-proxy.ts';
import {
  type DocumentAnswer,
  type DocumentServer,
  documentOf,
  startDocumentServer,
} from '../../../support/document-server.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import type { Cleanup } from '../../../support/obex.ts';

const PUBLIC = '93.184.216.34';
const PUBLIC_IPV6 = '2606:2800:220:1::1';
const HTML = { headers: { 'Content-Type': 'text/html' }, body: '<!doctype html>' };
const NOTHING_AT_ALL = 1;

const unusable = (problem: string): FetchedDocument => ({ kind: 'unusable', problem });
const unavailable = (problem: string): FetchedDocument => ({ kind: 'unavailable', problem });

function fetchFrom(site: DocumentServer, change: Partial<FetchDocumentParts> = {}): Promise<FetchedDocument> {
  const parts = { ...TO_THE_PUBLIC_INTERNET, ...site.settings, clock: new FakeClock(), ...change };
  return createFetchDocument(parts)(new URL(site.url));
}

async function answered(context: Cleanup, answer: DocumentAnswer): Promise<FetchedDocument> {
  const site = await startDocumentServer(context);
  site.answer = answer;
  return fetchFrom(site);
}

/** Everything that is sent into the world arrives at the site, and the proxy knows where it was to go. */
async function behindProxy(context: Cleanup): Promise<{ site: DocumentServer; proxy: ConnectProxy }> {
  const site = await startDocumentServer(context);
  const proxy = await startConnectProxy(context, { leadsTo: site.port });
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${proxy.port}`;
  return { site, proxy };
}

afterEach(() => {
  delete process.env['HTTPS_PROXY'];
});

describe('draft CIMD §6.5: a name that leads into the network of Obex', () => {
  for (const addresses of [
    ['127.0.0.1'],
    ['169.254.169.254'],
    ['10.0.0.1'],
    ['::1'],
    ['::ffff:10.0.0.1'],
    ['fd00::1'],
    ['64:ff9b::a00:1'],
    [PUBLIC, '192.168.0.1'],
    [PUBLIC, PUBLIC_IPV6, 'fe80::1'],
  ]) {
    it(`is not followed to ${addresses.join(', ')}, not even through a proxy`, async (context) => {
      const { site, proxy } = await behindProxy(context);
      const fetched = await fetchFrom(site, {
        resolve: async () => addresses,
        isAllowed: TO_THE_PUBLIC_INTERNET.isAllowed,
      });
      assert.deepEqual(fetched, unusable(`client.example leads to ${addresses.at(-1)}`));
      assert.deepEqual([proxy.asked.length, site.asked.length], [0, 0]);
    });
  }

  it('is looked up once: what it leads to afterwards is never asked for', async (context) => {
    const site = await startDocumentServer(context);
    const lookedUp: string[] = [];
    const fetched = await fetchFrom(site, {
      resolve: async (host) => (lookedUp.push(host) === 1 ? ['127.0.0.1'] : ['127.0.0.2']),
      isAllowed: (address) => address === '127.0.0.1',
    });
    assert.equal(fetched.kind, 'document');
    assert.deepEqual(lookedUp, ['client.example']);
    assert.deepEqual(site.reachedAt, ['127.0.0.1']);
  });

  it('is asked for by its address through a proxy, and known by its name in TLS and in Host', async (context) => {
    const { site, proxy } = await behindProxy(context);
    const fetched = await fetchFrom(site, {
      resolve: async () => [PUBLIC],
      isAllowed: TO_THE_PUBLIC_INTERNET.isAllowed,
    });
    assert.equal(fetched.kind, 'document');
    assert.deepEqual(
      proxy.asked.map(({ url, headers }) => [url, headers.host]),
      [[`${PUBLIC}:${site.port}`, `${PUBLIC}:${site.port}`]],
    );
    assert.deepEqual(
      site.asked.map(({ url, headers }) => [url, headers.host]),
      [['/client.json', site.host]],
    );
  });

  it('is asked for by an IPv6 address in brackets, where there is no other', async (context) => {
    const { site, proxy } = await behindProxy(context);
    const fetched = await fetchFrom(site, { resolve: async () => [PUBLIC_IPV6] });
    assert.equal(fetched.kind, 'document');
    assert.deepEqual(
      proxy.asked.map(({ url }) => url),
      [`[${PUBLIC_IPV6}]:${site.port}`],
    );
  });

  it('must show a certificate of its name', async (context) => {
    const site = await startDocumentServer(context);
    const url = new URL(`https://other.example:${site.port}/client.json`);
    const parts = { ...TO_THE_PUBLIC_INTERNET, ...site.settings, clock: new FakeClock() };
    const fetched = await createFetchDocument(parts)(url);
    assert.equal(fetched.kind, 'unavailable');
    assert.match(fetched.problem, /other\.example/);
    assert.equal(site.asked.length, 0);
  });
});

describe('addresses that do not answer', () => {
  it('are given up for one of the other family', async (context) => {
    const site = await startDocumentServer(context);
    // Nothing listens at the first; the second is this machine as IPv6 writes it.
    const fetched = await fetchFrom(site, { resolve: async () => ['127.0.0.2', '::ffff:127.0.0.1'] });
    assert.equal(fetched.kind, 'document');
    assert.deepEqual(site.reachedAt, ['127.0.0.1']);
  });

  it('make the document unavailable, and so do a name without one and a proxy that is none', async (context) => {
    const site = await startDocumentServer(context);
    const resolve = async (): Promise<never> => {
      throw new Error('client.example has no address');
    };
    assert.deepEqual(await fetchFrom(site, { resolve }), unavailable('client.example has no address'));
    const url = new URL(`https://client.example:${NOTHING_AT_ALL}/client.json`);
    const parts = { ...TO_THE_PUBLIC_INTERNET, ...site.settings, clock: new FakeClock() };
    assert.equal((await createFetchDocument(parts)(url)).kind, 'unavailable');
    process.env['HTTPS_PROXY'] = 'socks5://proxy.example';
    assert.equal((await fetchFrom(site)).kind, 'unavailable');
  });

  it('have no time left once the name has taken all of it', async (context) => {
    const site = await startDocumentServer(context);
    const clock = new FakeClock();
    const resolve = async (): Promise<readonly string[]> => {
      clock.advance(3_000);
      return ['127.0.0.1'];
    };
    const fetched = await fetchFrom(site, { clock, resolve, timeoutMs: 3_000 });
    assert.deepEqual([fetched.kind, site.asked.length], ['unavailable', 0]);
  });

  it('are waited for no longer than that', async (context) => {
    const site = await startDocumentServer(context);
    site.answer = { hangs: true };
    const fetched = await fetchFrom(site, { timeoutMs: 200 });
    assert.deepEqual(fetched, unavailable(`GET ${site.url}: no complete answer in 200 ms`));
  });
});

describe('draft CIMD §4: an answer', () => {
  it('is a document of the client, asked for without anything that tells who asks', async (context) => {
    const site = await startDocumentServer(context);
    assert.deepEqual(await fetchFrom(site), {
      kind: 'document',
      document: { redirectUris: ['http://127.0.0.1/cb', 'http://localhost/cb'], name: 'A described client' },
      freshForMs: 3_600_000,
    });
    const [request] = site.asked;
    const { 'user-agent': agent, ...headers } = request?.headers ?? {};
    assert.match(agent ?? '', /^obex\//);
    assert.equal(request?.method, 'GET');
    assert.deepEqual(headers, {
      host: site.host,
      accept: 'application/json',
      'accept-encoding': 'identity',
      connection: 'close',
    });
  });

  for (const type of ['application/json', 'application/JSON; charset=utf-8', 'application/oauth-client+json']) {
    it(`may be ${type}`, async (context) => {
      assert.equal((await answered(context, { headers: { 'Content-Type': type } })).kind, 'document');
    });
  }

  const wrong: Readonly<Record<string, readonly [DocumentAnswer, FetchedDocument | RegExp]>> = {
    'a redirect, which is not followed': [
      { status: 302, headers: { Location: 'https://10.0.0.1/' } },
      unusable('status 302'),
    ],
    'a page': [HTML, unusable('Content-Type text/html')],
    'called something else': [{ headers: { 'Content-Type': 'text/plain' } }, unusable('Content-Type text/plain')],
    'called nearly JSON': [
      { headers: { 'Content-Type': 'application/jsonp' } },
      unusable('Content-Type application/jsonp'),
    ],
    'no JSON': [{ body: 'x' }, unusable('it is not one JSON object with each member once')],
    'the document of another': [
      { body: documentOf('https://evil.example/c') },
      unusable('its client_id is not its URL'),
    ],
    'not found': [{ status: 404 }, unusable('status 404')],
    'not modified, which nobody has asked': [{ status: 304, body: '' }, unusable('status 304')],
    'of success, but not 200': [{ status: 203 }, unusable('status 203')],
    'too many requests': [{ status: 429 }, unavailable('status 429')],
    'an outage': [{ status: 503 }, unavailable('status 503')],
    'one byte too large': [{ body: documentOf('x').padEnd(16 * 1024 + 1) }, /answer is larger than 16384 bytes$/],
    'in a coding': [{ headers: { 'Content-Encoding': 'gzip' } }, /the body is encoded \(gzip\)/],
  };
  for (const [what, [answer, expected]] of Object.entries(wrong)) {
    it(`is none when it is ${what}`, async (context) => {
      const fetched = await answered(context, answer);
      if (!(expected instanceof RegExp)) return assert.deepEqual(fetched, expected);
      assert.equal(fetched.kind, 'unavailable');
      assert.match(fetched.problem, expected);
    });
  }

  it('may have 16 KB', async (context) => {
    const site = await startDocumentServer(context);
    site.answer = { body: documentOf(site.url).padEnd(16 * 1024) };
    assert.equal((await fetchFrom(site)).kind, 'document');
  });
});

describe('RFC 9111 §5.2.2.1: an answer is fresh', () => {
  const MINUTE_MS = 60_000;
  for (const [field, minutes] of [
    ['max-age=600', 10],
    ['public, max-age=7200', 120],
    ['MAX-AGE="900"', 15],
    ['max-age=0', 5],
    ['no-store,no-cache,max-age=0', 5],
    ['no-cache, max-age=7200', 5],
    ['max-age=9999999999', 1440],
    ['s-maxage=7200', 60],
    ['max-age=x', 60],
  ] as const) {
    it(`for ${minutes} minutes with ${field}`, async (context) => {
      const fetched = await answered(context, { headers: { 'Cache-Control': field } });
      assert.equal(fetched.kind === 'document' && fetched.freshForMs, minutes * MINUTE_MS);
    });
  }
});
