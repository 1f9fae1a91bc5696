/** A path in `backend.url`: which targets reach the backend and as what, what becomes of its URLs, and as whom it is addressed. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { bearer, bodyOf, PUBLIC_URL, type RequestText } from '../support/obex.ts';
import { startPhase3 } from '../support/phase-3.ts';
import { reply } from '../support/recording-backend.ts';
import { type StackOptions, startPhase1, startPhase2 } from '../support/stack.ts';
import { ABSOLUTE_FORM, asSent, HTTP1_BYTES } from '../support/transport.ts';

const TOKEN = bearer('anything');
const SLASH = { backendPath: '/mcp/' };
const SSE = { resourceUrl: `${PUBLIC_URL}/crm/sse`, backendPath: '/sse' };

/** The request line that reaches the backend, or the refusal. */
async function sendTo(
  context: TestContext,
  options: StackOptions,
  requests: readonly RequestText[],
): Promise<string[]> {
  const { obex, backend } = await startPhase1(context, options);
  const outcomes: string[] = [];
  for (const request of requests) {
    const before = backend.requests.length;
    const response = await obex.send({ lines: [TOKEN], ...request });
    const found = backend.requests.slice(before).map(({ requestLine }) => requestLine.split(' ')[1] ?? '');
    const isPassed = response.status === 200 && found.length === 1;
    outcomes.push(
      isPassed ? found.join() : `${response.status} ${String(bodyOf(response)['reason'])} ${found.join()}`.trim(),
    );
  }
  return outcomes;
}

const NOT_FOUND = '404 not_found';
const MALFORMED = '400 malformed_request';

const SENT: readonly (readonly [title: string, options: StackOptions, targets: Readonly<Record<string, string>>])[] = [
  [
    'a server that redirects /mcp to /mcp/ is asked for /mcp/ at once, and for nothing else',
    SLASH,
    {
      '/mcp': '/mcp/',
      '/mcp?a=b/../c//d%2f': '/mcp/?a=b/../c//d%2f',
      '/mcp/': '/mcp/',
      '/mcp/x/%41;y?z': '/mcp/x/%41;y?z',
      '/': NOT_FOUND,
      '/messages': NOT_FOUND,
      '/mcpx': NOT_FOUND,
      '/mcp;x': NOT_FOUND,
      '/MCP': NOT_FOUND,
      '/%6dcp': NOT_FOUND,
      '/admin?/mcp': NOT_FOUND,
    },
  ],
  [
    'the mount of /crm/sse and /sse belongs to the server',
    SSE,
    {
      '/crm/sse': '/sse',
      '/crm/sse/x': '/sse/x',
      '/crm/messages/?session_id=1': '/messages/?session_id=1',
      '/crm/': '/',
      '/sse': NOT_FOUND,
      '/messages/': NOT_FOUND,
    },
  ],
  [
    'what two servers could read differently is refused, whether a server is meant or none',
    SSE,
    Object.fromEntries(
      `/crm/../sse /crm/%2e%2e/admin /crm/sse/..;/x /crm/sse/.%2E;v=1/x /crm/sse/. /crm/.. /crm//messages
       //evil.example/crm/sse /crm/sse// /crm%2fsse /crm/sse%2F..%2Fadmin /crm/a%5Cb /other/../crm/sse // /..;/crm/sse`
        .split(/\s+/)
        .map((target) => [target, MALFORMED]),
    ),
  ],
  [
    'where paths pass as they came nothing of this holds',
    { backendPath: '/' },
    { '/other': '/other', '/mcp//x': '/mcp//x', '/mcp/..;/x%2fy': '/mcp/..;/x%2fy' },
  ],
];

describe('a path in backend.url', () => {
  for (const [title, options, targets] of SENT)
    it(title, async (context) => {
      const requests = Object.keys(targets).map((target) => ({ target }));
      assert.deepEqual(await sendTo(context, options, requests), Object.values(targets));
    });

  it('holds for absolute-form too, and no other form', ABSOLUTE_FORM, async (context) => {
    const requests: readonly RequestText[] = [
      { target: 'http://127.0.0.1/mcp?x' },
      { target: 'http://127.0.0.1' },
      { target: 'http://127.0.0.1/mcp/../x' },
      { target: 'http://127.0.0.1//mcp' },
    ];
    assert.deepEqual(await sendTo(context, SLASH, requests), ['/mcp/?x', NOT_FOUND, MALFORMED, MALFORMED]);
  });

  it('is not got round by forms that the engine refuses', HTTP1_BYTES, async (context) => {
    const { obex, backend } = await startPhase1(context, SLASH);
    const targets = [
      'http://other.example/mcp',
      'mcp',
      '*',
      '\\mcp',
      '/mcp\\x',
      '/mcp#x',
      '/mcp%',
      'http:/mcp',
      'tool.example.com:443',
    ];
    for (const target of targets) {
      const response = await obex.send({ target, lines: [TOKEN] });
      assert.deepEqual([response.status, bodyOf(response)['reason']], [400, 'malformed_request'], target);
    }
    const tunnel = await obex.send({
      method: 'CONNECT',
      target: '127.0.0.1:443',
      host: '127.0.0.1:443',
      lines: [TOKEN],
    });
    assert.equal(tunnel.status, 404);
    assert.equal(backend.received(), '');
  });

  it('asks for a token where there is a server, and nowhere else', async (context) => {
    const { obex, backend } = await startPhase2(context, SLASH);
    const statuses: number[] = [];
    for (const target of ['/mcp', '/mcp/x', '/other', '/.well-known/oauth-authorization-server', '/mcp//', '/health'])
      statuses.push((await obex.send({ target })).status);
    assert.deepEqual(statuses, [401, 401, 404, 404, 400, 200]);
    assert.equal((await obex.send({ target: '/.well-known/oauth-protected-resource/mcp' })).status, 200);
    assert.equal(backend.received(), '');
  });

  it('clients that take Obex for the authorization server hear where that is', async (context) => {
    const { obex, issuer } = await startPhase2(context, SLASH);
    const response = await obex.send({ method: 'POST', target: '/register', body: '{}' });
    assert.deepEqual([response.status, bodyOf(response)['reason']], [404, 'no_authorization_server']);
    assert.ok(String(bodyOf(response)['error_description']).includes(issuer.url));
  });

  it('is taken over by a reload', async (context) => {
    const { obex, backend, config } = await startPhase1(context, SLASH);
    await obex.send({ lines: [TOKEN] });
    await obex.reload(config().replace('/mcp/"', '/api/v2"'));
    await obex.send({ lines: [TOKEN] });
    await obex.reload(config().replace('/mcp/"', '"'));
    await obex.send({ target: '/other', lines: [TOKEN] });
    assert.deepEqual(
      backend.requests.map(({ requestLine }) => requestLine),
      ['GET /mcp/ HTTP/1.1', 'GET /api/v2 HTTP/1.1', 'GET /other HTTP/1.1'],
    );
  });
});

describe('URLs of the backend, where paths are mapped', () => {
  const sent: readonly (readonly [line: (host: string) => string, received: string | undefined])[] = [
    [() => 'Location: /sse/', '/crm/sse/'],
    [() => 'Location: messages?x=/../y', '/crm/messages?x=/../y'],
    [(host) => `Location: http://${host}/sse/a?b#c`, `${PUBLIC_URL}/crm/sse/a?b#c`],
    [(host) => `Location: HTTPS://u:p@${host}/sse`, `${PUBLIC_URL}/crm/sse`],
    [(host) => `Location: //${host}/sse`, `${PUBLIC_URL}/crm/sse`],
    [(host) => `Location: /\\${host}/sse`, `${PUBLIC_URL}/crm/sse`],
    [() => 'Location: http://tool.example.com/sse', `${PUBLIC_URL}/crm/sse`],
    [() => 'Location: /a//evil.example', undefined],
    [() => 'Location: /a/..%2f..%2fb', undefined],
    [() => 'Location: https://login.example/?to=/sse', 'https://login.example/?to=/sse'],
    [(host) => `Content-Location: http://${host}/items/1`, `${PUBLIC_URL}/crm/items/1`],
    [
      (host) => `Link: <http://${host}/next>; rel=next, </first>; rel=first`,
      `<${PUBLIC_URL}/crm/next>; rel=next, </crm/first>; rel=first`,
    ],
    [() => 'Link: </next>; rel=next, </%2f>; rel=x', undefined],
    [() => 'Refresh: 0; url=/login', '0; url=/crm/login'],
    [
      (host) =>
        `WWW-Authenticate: Bearer error="insufficient_scope", resource_metadata="http://${host}/.well-known/oauth-protected-resource"`,
      `Bearer error="insufficient_scope", resource_metadata="${PUBLIC_URL}/.well-known/oauth-protected-resource/crm/sse"`,
    ],
    [
      () => 'WWW-Authenticate: Bearer resource_metadata="https://other.example/x"',
      'Bearer resource_metadata="https://other.example/x"',
    ],
  ];
  for (const [line, expected] of sent)
    it(`${line('HOST')} becomes ${expected ?? 'nothing'}`, async (context) => {
      const { obex, backend } = await startPhase1(context, SSE);
      const text = line(`127.0.0.1:${backend.port}`);
      const name = text.slice(0, text.indexOf(':'));
      backend.answer = ({ socket }) => reply(socket, '307 Temporary Redirect', [text]);
      const response = await obex.send({ target: '/crm/sse', lines: [TOKEN] });
      assert.deepEqual(response.values(name), expected === undefined ? [] : [expected]);
    });

  it('a redirect outside of what is served has no Location: it would lead to whatever else the public host has', async (context) => {
    const { obex, backend } = await startPhase1(context, SLASH);
    backend.answer = ({ socket }) => reply(socket, '302 Found', [`Location: http://127.0.0.1:${backend.port}/login`]);
    const response = await obex.send({ lines: [TOKEN] });
    assert.deepEqual([response.status, response.values('location')], [302, []]);
  });
});

describe('backend.host', () => {
  const cases: readonly (readonly [host: string, seen: (port: number) => string])[] = [
    ['""', (port) => `127.0.0.1:${port}`],
    ['public', () => 'tool.example.com'],
    ['"localhost:9090"', () => 'localhost:9090'],
  ];
  for (const [host, seen] of cases)
    it(`${host}: is Host, of the question of /ready too, and its redirects are those of the backend`, async (context) => {
      const { obex, backend } = await startPhase1(context, { sections: { backend: `host: ${host}` } });
      backend.answer = (request) => {
        const location = `http://${request.values('host')[0] ?? ''}/mcp/`;
        reply(request.socket, '307 Temporary Redirect', [`Location: ${location}`]);
      };
      const response = await obex.send({ lines: [TOKEN] });
      assert.equal((await obex.send({ target: '/ready' })).status, 200);
      assert.deepEqual(
        backend.requests.map((request) => request.values('host')),
        [[seen(backend.port)], [seen(backend.port)]],
      );
      assert.deepEqual(response.values('location'), [`${PUBLIC_URL}/mcp/`]);
    });
});

describe('the authority of resource.url', () => {
  const OTHER = { resourceUrl: 'https://crm.example.com/mcp' };

  it('is that of X-Forwarded-Host and -Proto, and of translated URLs', async (context) => {
    const { obex, backend } = await startPhase1(context, OTHER);
    backend.answer = ({ socket }) => reply(socket, '302 Found', [`Location: http://127.0.0.1:${backend.port}/x`]);
    const response = await obex.send({ lines: [TOKEN] });
    const [request] = backend.requests;
    assert.deepEqual(request?.values('x-forwarded-host'), ['crm.example.com']);
    assert.deepEqual(request?.values('x-forwarded-proto'), ['https']);
    assert.deepEqual(response.values('location'), ['https://crm.example.com/x']);
  });

  it('is that of htu, and so is the path that the client asked for', async (context) => {
    const stack = await startPhase3(context, { ...OTHER, backendPath: '/inner' });
    const token = await stack.boundToken({ claims: { aud: OTHER.resourceUrl } });
    for (const [htu, status] of [
      ['https://crm.example.com/mcp', 200],
      [`${PUBLIC_URL}/mcp`, 401],
      ['https://crm.example.com/inner', 401],
    ] as const) {
      const proofs = [stack.prove(token, { claims: { htu } })];
      assert.equal((await stack.obex.send(await stack.request({ token, proofs }))).status, status, htu);
    }
    assert.deepEqual(
      stack.backend.requests.map(({ requestLine }) => requestLine),
      ['GET /inner HTTP/1.1'],
    );
  });
});

describe('codings', () => {
  it('are asked for as the client does, but of a stream whose events must be read none', async (context) => {
    const { obex, backend } = await startPhase1(context, SSE);
    for (const method of ['GET', 'POST'])
      await obex.send({ method, target: '/crm/sse', lines: [TOKEN, 'accept-ENCODING: gzip', 'X-A: 1'] });
    const [read, posted] = backend.requests;
    assert.deepEqual(read?.values('accept-encoding'), ['identity']);
    assert.ok(read?.lines.includes(asSent('X-A: 1')));
    assert.deepEqual(posted?.values('accept-encoding'), ['gzip']);
  });
});
