/** Fetching from an IdP behind the proxy of a company: RFC 9110 §9.3.6, and the variables that curl and others read. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { boundPort } from '../../../src/demo/loopback.ts';
import { findEgressProxy } from '../../../src/state/egress-proxy.ts';
import { FetchError, fetchJson } from '../../../src/state/fetch-json.ts';
import { createCertificate } from '../../support/certificate.ts';
import { startConnectProxy } from '../../support/connect-proxy.ts';
import type { Cleanup } from '../../support/obex.ts';
import { startRawBackend } from '../../support/raw-http.ts';

const LIMITS = { timeoutMs: 20_000, maxBytes: 64 * 1024 };
const VARIABLES = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy']
  .flatMap((name) => [name, name.toUpperCase()])
  .concat('OTHER');

describe('the proxy of the environment', () => {
  const before = new Map(VARIABLES.map((name) => [name, process.env[name]]));
  beforeEach(() => {
    for (const name of VARIABLES) delete process.env[name];
  });
  afterEach(() => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  const cases: readonly (readonly [variables: Record<string, string>, url: string, proxy: string | undefined])[] = [
    [{}, 'https://idp.example/jwks', undefined],
    [{ HTTPS_PROXY: 'http://proxy.example:3128' }, 'https://idp.example/jwks', 'http://proxy.example:3128/'],
    [{ https_proxy: 'http://proxy.example:3128' }, 'https://idp.example/jwks', 'http://proxy.example:3128/'],
    [{ HTTPS_PROXY: 'proxy.example:3128' }, 'https://idp.example/jwks', 'http://proxy.example:3128/'],
    [{ HTTPS_PROXY: 'https://proxy.example:3128' }, 'https://idp.example/jwks', 'https://proxy.example:3128/'],
    [
      { HTTPS_PROXY: 'https://proxy.example:3128', OTHER: 'proxy.example:3128' },
      'https://idp.example/jwks',
      'https://proxy.example:3128/',
    ],
    [{ HTTP_PROXY: 'http://proxy.example:3128' }, 'https://idp.example/jwks', undefined],
    [{ HTTP_PROXY: 'http://proxy.example:3128' }, 'http://idp.example/jwks', 'http://proxy.example:3128/'],
    [{ ALL_PROXY: 'http://proxy.example' }, 'https://idp.example/jwks', 'http://proxy.example/'],
    [{ HTTPS_PROXY: 'http://proxy.example', NO_PROXY: '.example' }, 'https://idp.example/jwks', undefined],
    [{ HTTPS_PROXY: 'http://proxy.example', NO_PROXY: 'idp.example:8443' }, 'https://idp.example:8443/', undefined],
    [{ HTTPS_PROXY: 'http://proxy.example' }, 'https://localhost:8443/jwks', undefined],
    [{ HTTP_PROXY: 'http://proxy.example' }, 'http://127.0.0.1:9000/jwks', undefined],
    [{ HTTP_PROXY: 'http://proxy.example' }, 'http://[::1]:9000/jwks', undefined],
  ];
  for (const [variables, url, proxy] of cases) {
    it(`${JSON.stringify(variables)}: ${url} goes ${proxy === undefined ? 'straight' : `through ${proxy}`}`, () => {
      Object.assign(process.env, variables);
      assert.equal(findEgressProxy(new URL(url))?.href, proxy);
    });
  }

  it('says that a proxy of another kind cannot be used, without its password', () => {
    process.env['HTTPS_PROXY'] = 'socks5://user:secret@proxy.example:1080';
    assert.throws(() => findEgressProxy(new URL('https://idp.example/')), {
      message: 'the proxy that HTTPS_PROXY, HTTP_PROXY or ALL_PROXY names is no http:// or https:// URL',
    });
  });

  async function startIdp(context: Cleanup): Promise<{ port: number; ca: string }> {
    const certificate = createCertificate('idp', 'idp.example');
    const server = createServer(certificate, (_, response) => response.end('{"keys":[]}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    context.after(() => void server.close());
    return { port: boundPort(server), ca: certificate.cert };
  }

  it('is asked for the server by name; TLS is with the server itself', async (context) => {
    const idp = await startIdp(context);
    const proxy = await startConnectProxy(context, { leadsTo: idp.port });
    process.env['HTTPS_PROXY'] = `http://us%40er:pass%3Aword@127.0.0.1:${proxy.port}`;
    assert.deepEqual(await fetchJson('https://idp.example/jwks', { ...LIMITS, ca: idp.ca }), { keys: [] });
    const [request] = proxy.asked;
    assert.equal(request?.url, 'idp.example:443');
    assert.deepEqual(request?.headers, {
      host: 'idp.example:443',
      'proxy-authorization': `Basic ${Buffer.from('us@er:pass:word').toString('base64')}`,
    });
  });

  it('takes a percent that encodes nothing as it is', async (context) => {
    const idp = await startIdp(context);
    const proxy = await startConnectProxy(context, { leadsTo: idp.port });
    process.env['HTTPS_PROXY'] = `http://user:p%zz@127.0.0.1:${proxy.port}`;
    await fetchJson('https://idp.example/jwks', { ...LIMITS, ca: idp.ca });
    const credentials = Buffer.from('user:p%zz').toString('base64');
    assert.equal(proxy.asked[0]?.headers['proxy-authorization'], `Basic ${credentials}`);
  });

  it('may speak https itself, and carries plain http in a tunnel too', async (context) => {
    const certificate = createCertificate('proxy', 'localhost');
    const trusted = getCACertificates('default');
    context.after(() => setDefaultCACertificates(trusted));
    setDefaultCACertificates([...trusted, certificate.cert]);
    const idp = await startIdp(context);
    const outer = await startConnectProxy(context, { leadsTo: idp.port, tls: certificate });
    process.env['HTTPS_PROXY'] = `https://localhost:${outer.port}`;
    assert.deepEqual(await fetchJson('https://idp.example/jwks', { ...LIMITS, ca: idp.ca }), { keys: [] });
    const plain = await startRawBackend(() => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}');
    context.after(() => plain.close());
    const proxy = await startConnectProxy(context, { leadsTo: plain.port });
    process.env['HTTP_PROXY'] = `http://127.0.0.1:${proxy.port}`;
    assert.deepEqual(await fetchJson('http://idp.example:8080/jwks', LIMITS), {});
    assert.equal(proxy.asked[0]?.url, 'idp.example:8080');
  });

  const refusals: Readonly<Record<string, readonly [answer: string, problem: string]>> = {
    'wants other credentials': [
      'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n',
      'it answered CONNECT with 407 Proxy Authentication Required',
    ],
    'hangs up': ['', 'the connection was closed without an answer to CONNECT'],
    'is no HTTP proxy': ['SSH-2.0-OpenSSH\r\n', 'its answer to CONNECT is not valid HTTP/1.1'],
    'talks behind its answer': ['HTTP/1.1 200 OK\r\n\r\nHello', 'bytes behind its answer to CONNECT'],
  };
  for (const [how, [answer, problem]] of Object.entries(refusals)) {
    it(`is named when it ${how}`, async (context) => {
      const proxy = await startConnectProxy(context, { leadsTo: 1, answer });
      process.env['HTTPS_PROXY'] = `http://user:secret@127.0.0.1:${proxy.port}`;
      await assert.rejects(fetchJson('https://idp.example/jwks', LIMITS), (error) => {
        assert.ok(error instanceof FetchError);
        const place = `GET https://idp.example/jwks: the proxy 127.0.0.1:${proxy.port}: ${problem}`;
        return error.message.startsWith(place) && !error.message.includes('secret');
      });
    });
  }

  it('is given up when it never answers, and its connection closed', async (context) => {
    const silent = await startRawBackend(() => undefined);
    context.after(() => silent.close());
    process.env['HTTPS_PROXY'] = `http://127.0.0.1:${silent.port}`;
    await assert.rejects(fetchJson('https://idp.example/jwks', { ...LIMITS, timeoutMs: 50 }), {
      message: `GET https://idp.example/jwks: the proxy 127.0.0.1:${silent.port}: no answer to CONNECT in 50 ms`,
    });
    await silent.connections[0]?.closed;
  });

  it('is named when nobody listens there', async () => {
    process.env['HTTPS_PROXY'] = 'http://127.0.0.1:9';
    await assert.rejects(fetchJson('https://idp.example/jwks', LIMITS), {
      message: 'GET https://idp.example/jwks: the proxy 127.0.0.1:9: connect ECONNREFUSED 127.0.0.1:9',
    });
  });
});
