/** What reaches the backend and what comes back: bytes, order, hygiene, and every way to break off. RFC 9110 §7.6, RFC 9112. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { bearer, bodyOf, formatRequest, sendOn } from '../support/obex.ts';
import { type BackendRequest, OK_BODY, reply } from '../support/recording-backend.ts';
import { startPhase1, startPhase2 } from '../support/stack.ts';
import { ABSOLUTE_FORM, asSent, CONNECTION_FIELDS, REASON_PHRASE } from '../support/transport.ts';
import { until } from '../support/until.ts';

const SECRET = 'opaque-secret-token';
const TOKEN = bearer(SECRET);

/** Field lines that the client's request explains; Obex's own are taken off. */
function clientLines({ lines }: BackendRequest): readonly string[] {
  return lines.filter(
    (line) => !/^(host|via|x-forwarded-(for|proto|host)|x-obex-request-id|connection|content-length):/i.test(line),
  );
}

describe('the request goes on byte for byte', () => {
  const targets = [
    '/',
    '/mcp?cursor=a%2Fb&x=%20+%00',
    '/a//b/./c/../d',
    '/%2e%2e/%2E%2e%2fetc',
    '/mcp;v=1?',
    '/mcp??x=1?y',
    "/~!$&'()*+,;=:@-._",
    '/mcp?ids[]=1&filter={a|b}^`c`',
    '//evil.example/mcp',
    '/mcp?redirect=https://x.example/#'.replace('#', '%23'),
  ];
  for (const target of targets) {
    it(`target ${target}`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      assert.equal((await obex.send({ target, lines: [TOKEN] })).status, 200);
      assert.equal(backend.requests[0]?.requestLine, `GET ${target} HTTP/1.1`);
    });
  }

  for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY']) {
    it(`method ${method}`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      const response = await obex.send({ method, lines: [TOKEN] });
      assert.equal(response.status, 200);
      assert.equal(backend.requests[0]?.requestLine, `${method} /mcp HTTP/1.1`);
    });
  }

  it('an absolute-form target is reduced to origin-form (RFC 9112 §3.2.2)', ABSOLUTE_FORM, async (context) => {
    const { obex, backend } = await startPhase1(context);
    await obex.send({ target: 'http://127.0.0.1/mcp?x=1', lines: [TOKEN] });
    assert.equal(backend.requests[0]?.requestLine, 'GET /mcp?x=1 HTTP/1.1');
  });

  it('harmless fields keep name, value, order and number', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const kept = [
      'accept: application/json, text/event-stream',
      'MCP-Protocol-Version: 2025-11-25',
      'Mcp-Session-Id: S-1',
      'X-Twice: 1',
      'Cookie: a=b',
      'x-twice: 2',
      'Last-Event-ID: 7',
      'Mcp-Param-City: =?base64?w6Q=?=',
      'X-Latin: \xe4\xf6',
      'X-Empty:',
      '__proto__: x',
      'constructor: y',
    ];
    assert.equal((await obex.send({ lines: [...kept, TOKEN] })).status, 200);
    assert.deepEqual(
      clientLines(backend.requests[0] ?? assert.fail()).map((line) => line.trim()),
      kept.map(asSent),
    );
  });

  it('a body of known length keeps it, a chunked one stays chunked', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const client = await obex.open();
    await sendOn(client, { method: 'POST', lines: [TOKEN], body: '{"jsonrpc":"2.0"}' });
    await client.send(
      `${formatRequest({ method: 'POST', lines: [TOKEN, 'Transfer-Encoding: chunked'] })}3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n`,
    );
    await client.readResponse();
    const [sized, chunked] = backend.requests;
    assert.equal(sized?.body, '{"jsonrpc":"2.0"}');
    assert.deepEqual(sized?.values('content-length'), ['17']);
    assert.equal(chunked?.body, 'abcdefg');
    assert.deepEqual(chunked?.values('transfer-encoding'), ['chunked']);
    assert.doesNotMatch(chunked?.raw ?? '', /x=y/, 'chunk extensions are for one hop');
  });
});

describe('contract, to the backend: what is removed', () => {
  const removed = [
    'DPoP: eyJ.x.y',
    'dpop: a',
    'D_PoP: a'.replace('D_PoP', 'DPOP'),
    'Origin: https://tool.example.com',
    'Forwarded: for=6.6.6.6',
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Proto: gopher',
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Prefix: /evil',
    'X-Forwarded-Uri: /admin',
    'X-Forwarded-Method: GET',
    'X-Forwarded-User: root',
    'X_Forwarded_For: 6.6.6.6',
    'X-Real-IP: 6.6.6.6',
    'X_Real_IP: 6.6.6.6',
    'X-Original-URL: /admin',
    'X_Original_URL: /admin',
    'X-Rewrite-URL: /admin',
    'X.Rewrite.URL: /admin',
    'Proxy: http://evil.example:3128',
    'X-Forwarded: for=6.6.6.6',
    'True-Client-IP: 6.6.6.6',
    'X-Client-IP: 6.6.6.6',
    'CF-Connecting-IP: 6.6.6.6',
    'X-HTTP-Method-Override: DELETE',
    'X_HTTP_Method_Override: DELETE',
    'Remote-User: root',
    'Remote_User: root',
    'X-Remote-User: root',
    'X-Auth-Request-Email: root@example.com',
    'X-Goog-Authenticated-User-Email: root@example.com',
    'X-Ms-Client-Principal: root',
    'X-Amzn-Oidc-Data: root',
    'X-WebAuth-User: root',
    'Client-Cert: :AAAA:',
    'X-Obex-User: root',
    'x-obex-user: root',
    'X_Obex_User: root',
    'X-Obex_User: root',
    'X.Obex.User: root',
    "X~Obex'User: root",
    'X-Obex-Scopes: admin',
    'X-Obex-Issuer: i',
    'X-Obex-Client: c',
    'X-Obex-DPoP-Bound: true',
    'X-Obex-Request-ID: fake',
    'X-Obex-Anything-New: 1',
    'Keep-Alive: timeout=9',
    'Proxy-Authorization: Basic eDp5',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Upgrade: websocket',
    'Trailer: X-Obex-User',
    'HTTP2-Settings: AAA',
    'Proxy-Authenticate: x',
  ];
  for (const line of removed) {
    const options = /^(keep-alive|proxy-connection|upgrade|http2-settings):/i.test(line) ? CONNECTION_FIELDS : {};
    it(line, options, async (context) => {
      const { obex, backend } = await startPhase1(context);
      assert.equal((await obex.send({ lines: [TOKEN, line, 'X-Kept: 1'] })).status, 200);
      const request = await backend.request(0);
      assert.deepEqual(clientLines(request), ['X-Kept: 1'].map(asSent));
      assert.deepEqual(request.values('x-forwarded-for'), ['127.0.0.1']);
      assert.deepEqual(request.values('x-forwarded-proto'), ['https']);
      assert.deepEqual(request.values('x-forwarded-host'), ['tool.example.com']);
      assert.equal(request.values('x-obex-request-id').length, 1);
      assert.notEqual(request.values('x-obex-request-id')[0], 'fake');
    });
  }

  it(
    'RFC 9110 §7.6.1: fields that Connection names, over several Connection fields',
    CONNECTION_FIELDS,
    async (context) => {
      const { obex, backend } = await startPhase1(context);
      const lines = [TOKEN, 'Connection: X-One, keep-alive', 'connection: x-two', 'X-One: 1', 'X-Two: 2', 'X-Three: 3'];
      await obex.send({ lines });
      assert.deepEqual(clientLines(await backend.request(0)), ['X-Three: 3']);
    },
  );

  it('CVE-2025-48865: Connection cannot name away what Obex says', CONNECTION_FIELDS, async (context) => {
    const stack = await startPhase2(context, { sections: { backend: 'headers: { X-Api-Key: "s3cret" }' } });
    const named =
      'X-Obex-User, X-Obex-Scopes, X-Obex-Request-ID, X-Forwarded-For, X-Forwarded-Host, Host, X-Api-Key, Authorization';
    const response = await stack.obex.send({ lines: [await stack.authorization(), `Connection: ${named}`] });
    assert.equal(response.status, 200);
    const request = await stack.backend.request(0);
    assert.deepEqual(request.values('x-obex-user'), ['alice']);
    assert.deepEqual(request.values('x-obex-scopes'), ['mcp:read']);
    assert.equal(request.values('x-obex-request-id').length, 1);
    assert.deepEqual(request.values('x-forwarded-for'), ['127.0.0.1']);
    assert.deepEqual(request.values('x-forwarded-host'), ['tool.example.com']);
    assert.deepEqual(request.values('host'), [`127.0.0.1:${stack.backend.port}`]);
    assert.deepEqual(request.values('x-api-key'), ['s3cret']);
  });

  it('trailers, whatever they carry', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const client = await obex.open();
    const head = formatRequest({ method: 'POST', lines: [TOKEN, 'Transfer-Encoding: chunked'] });
    await client.send(`${head}3\r\nabc\r\n0\r\nX-Obex-User: root\r\nAuthorization: Bearer evil\r\n\r\n`);
    assert.equal((await client.readResponse()).status, 200);
    const { raw, body } = await backend.request(0);
    assert.equal(body, 'abc');
    assert.doesNotMatch(raw, /root|evil|X-Obex-User/i);
  });

  it("the client's token, in every byte that the backend gets", async (context) => {
    const stack = await startPhase2(context);
    const token = await stack.issuer.token();
    await stack.obex.send({ lines: [bearer(token)] });
    await stack.obex.send({ method: 'POST', lines: [bearer(token)], body: '{}' });
    assert.equal(stack.backend.requests.length, 2);
    assert.ok(!stack.backend.received().includes(token));
    assert.ok(!stack.backend.received().includes(token.split('.')[2] ?? ''));
    assert.doesNotMatch(stack.backend.received(), /authorization/i);
  });
});

describe('contract, to the backend: backend.headers', () => {
  it("come last and replace the client's, look-alikes included", async (context) => {
    const { obex, backend } = await startPhase1(context, {
      sections: { backend: 'headers: { Authorization: "Bearer backend-secret", X-Api-Key: "k-1" }' },
    });
    await obex.send({ lines: ['X-Api-Key: client', 'x_api_key: client', 'X-Other: 1', TOKEN] });
    const request = await backend.request(0);
    assert.deepEqual(request.values('authorization'), ['Bearer backend-secret']);
    assert.deepEqual(request.values('x-api-key'), ['k-1']);
    assert.deepEqual(request.values('x_api_key'), []);
    assert.deepEqual(request.values('x-other'), ['1']);
    const own = request.lines.filter((line) => !/^(connection|content-length|transfer-encoding):/i.test(line));
    assert.deepEqual(own.slice(-2), ['Authorization: Bearer backend-secret', 'X-Api-Key: k-1']);
    assert.ok(!obex.output().includes('backend-secret'));
  });
});

describe('contract, to the backend: backend.strip_headers', () => {
  it('takes more of the fields of clients away, look-alikes included, and nothing that Obex adds', async (context) => {
    const { obex, backend } = await startPhase1(context, {
      sections: { backend: 'strip_headers: [X-Tenant, X-Api-Key]\nheaders: { X-Api-Key: "k-1" }' },
    });
    await obex.send({ lines: ['X-Tenant: a', 'x_tenant: b', 'X-Api-Key: c', 'X-Tenants: d', TOKEN] });
    const request = await backend.request(0);
    assert.deepEqual(clientLines(request), ['X-Tenants: d'].map(asSent).concat('X-Api-Key: k-1'));
  });
});

describe('contract, to the backend: identity', () => {
  it('phase 1 sends the request id and nothing else', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const response = await obex.send({ lines: [TOKEN] });
    const request = await backend.request(0);
    const names = request.lines.filter((line) => /^x-obex-/i.test(line)).map((line) => line.split(':')[0]);
    assert.deepEqual(names, ['X-Obex-Request-ID']);
    assert.deepEqual(request.values('x-obex-request-id'), response.values('x-obex-request-id'));
  });

  it('phase 2 sends user, scopes, issuer and client; never DPoP-Bound', async (context) => {
    const stack = await startPhase2(context);
    await stack.obex.send({ lines: [await stack.authorization({ claims: { scope: 'b a  c a' } })] });
    const request = await stack.backend.request(0);
    const lines = request.lines.filter((line) => /^x-obex-/i.test(line) && !/request-id/i.test(line));
    const expected = [
      `X-Obex-Issuer: ${stack.issuer.url}`,
      'X-Obex-Scopes: a b c',
      'X-Obex-User: alice',
      'X-Obex-Client: client-1',
    ];
    assert.deepEqual(lines.toSorted(), expected.toSorted());
  });

  const clients: readonly (readonly [claims: Record<string, unknown>, client: readonly string[]])[] = [
    [{ client_id: 'a', azp: 'b', cid: 'c', appid: 'd' }, ['a']],
    [{ client_id: undefined, azp: 'b', cid: 'c', appid: 'd' }, ['b']],
    [{ client_id: undefined, cid: 'c', appid: 'd' }, ['c']],
    [{ client_id: undefined, appid: 'd' }, ['d']],
    [{ client_id: undefined }, []],
  ];
  for (const [claims, expected] of clients) {
    it(`the client of ${JSON.stringify(Object.keys(claims).filter((name) => claims[name] !== undefined))}`, async (context) => {
      const stack = await startPhase2(context);
      await stack.obex.send({ lines: [await stack.authorization({ claims })] });
      assert.deepEqual((await stack.backend.request(0)).values('x-obex-client'), expected);
    });
  }

  it('a token without sub has no user', async (context) => {
    const stack = await startPhase2(context);
    await stack.obex.send({ lines: [await stack.authorization({ claims: { sub: undefined } })] });
    assert.deepEqual((await stack.backend.request(0)).values('x-obex-user'), []);
  });

  it('values are percent-encoded, so that no claim can break a line or be read two ways', async (context) => {
    const stack = await startPhase2(context);
    const sub = 'jürgen 50%\r\nX-Obex-User: root\u0000\u{1f600}';
    await stack.obex.send({ lines: [await stack.authorization({ claims: { sub } })] });
    const request = await stack.backend.request(0);
    assert.deepEqual(request.values('x-obex-user'), ['j%C3%BCrgen%2050%25%0D%0AX-Obex-User:%20root%00%F0%9F%98%80']);
    assert.equal(decodeURIComponent(request.values('x-obex-user')[0] ?? ''), sub);
  });
});

describe('X-Obex-Request-ID', () => {
  it('is one id on the response, at the backend and in the log', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) => reply(socket, '200 OK', ['X-Obex-Request-ID: of-the-backend'], OK_BODY);
    const response = await obex.send({ target: '/mcp?secret=1', lines: [TOKEN, 'X-Obex-Request-ID: of-the-client'] });
    const [id] = response.values('x-obex-request-id');
    assert.equal(response.values('x-obex-request-id').length, 1);
    assert.deepEqual((await backend.request(0)).values('x-obex-request-id'), [id]);
    const event = await obex.event('request');
    assert.equal(event['request_id'], id);
    assert.equal(event['path'], '/mcp', 'a query is never logged');
    assert.ok(!obex.output().includes('secret='));
  });

  it('differs from request to request', async (context) => {
    const { obex } = await startPhase1(context);
    const client = await obex.open();
    const ids = new Set<string | undefined>();
    for (let round = 0; round < 5; round += 1)
      ids.add((await sendOn(client, { lines: [TOKEN] })).values('x-obex-request-id')[0]);
    assert.equal(ids.size, 5);
  });
});

describe('the answer comes back byte for byte', () => {
  it('status, reason, fields in order, duplicates, body', REASON_PHRASE, async (context) => {
    const { obex, backend } = await startPhase1(context);
    const lines = [
      'Set-Cookie: a=1',
      'content-TYPE: application/json',
      'Set-Cookie: b=2',
      'Mcp-Session-Id: S',
      'X-Latin: \xe4',
      'WWW-Authenticate: Basic realm="x"',
      'Date: Mon, 01 Jan 2024 00:00:00 GMT',
    ];
    backend.answer = ({ socket }) =>
      socket.write(
        Buffer.from(`HTTP/1.1 404 Session Gone\r\n${lines.join('\r\n')}\r\nContent-Length: 3\r\n\r\n\0\xff!`, 'latin1'),
      );
    const response = await obex.send({ lines: [TOKEN] });
    assert.equal(response.status, 404);
    assert.equal(response.reason, 'Session Gone');
    const own = new Set(['x-obex-request-id', 'content-length', 'connection']);
    assert.deepEqual(
      response.headers.filter(([name]) => !own.has(name.toLowerCase())).map((pair) => pair.join(': ')),
      lines,
    );
    assert.deepEqual(response.body, Buffer.from([0, 0xff, 0x21]));
  });

  for (const status of [200, 202, 204, 304, 400, 403, 404, 405, 409, 429, 500, 503]) {
    it(`status ${status}`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      const bodyless = status === 204 || status === 304;
      backend.answer = ({ socket }) => {
        if (bodyless) socket.write(`HTTP/1.1 ${status} X\r\nX-Kept: 1\r\n\r\n`);
        else reply(socket, `${status} X`, ['X-Kept: 1'], 'body');
      };
      const client = await obex.open();
      const response = await sendOn(client, { lines: [TOKEN] });
      assert.equal(response.status, status);
      assert.deepEqual(response.values('x-kept'), ['1']);
      assert.equal(response.body.toString(), bodyless ? '' : 'body');
      assert.equal((await sendOn(client, { lines: [TOKEN] })).status, status, 'the connection is kept');
    });
  }

  it('without hop-by-hop fields and those that Connection names', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const lines = ['Connection: X-Hop, keep-alive', 'X-Hop: 1', 'Keep-Alive: timeout=5', 'X-Kept: 1'];
    backend.answer = ({ socket }) => reply(socket, '200 OK', lines, OK_BODY);
    const response = await obex.send({ lines: [TOKEN] });
    for (const name of ['x-hop', 'keep-alive']) assert.deepEqual(response.values(name), [], name);
    assert.deepEqual(response.values('x-kept'), ['1']);
  });

  it('without Proxy-Authenticate, Proxy-Connection, Upgrade and TE (hop-by-hop by definition)', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const lines = ['Proxy-Connection: keep-alive', 'Upgrade: h2c', 'TE: trailers', 'Trailer: X-T', 'X-Kept: 1'];
    backend.answer = ({ socket }) => reply(socket, '200 OK', lines, OK_BODY);
    const response = await obex.send({ lines: [TOKEN] });
    for (const name of ['proxy-connection', 'upgrade', 'te', 'trailer'])
      assert.deepEqual(response.values(name), [], name);
  });

  it('a backend trailer is dropped, the body whole', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Trailer: 1\r\n\r\n');
    const client = await obex.open();
    const response = await sendOn(client, { lines: [TOKEN] });
    assert.equal(response.body.toString(), 'abc');
    assert.equal((await sendOn(client, { lines: [TOKEN] })).body.toString(), 'abc');
    assert.doesNotMatch(client.buffered.toString(), /X-Trailer/);
  });

  it('a HEAD keeps the length that GET would have', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n');
    const client = await obex.open();
    const response = await sendOn(client, { method: 'HEAD', lines: [TOKEN] });
    assert.deepEqual(response.values('content-length'), ['1234']);
    assert.equal((await sendOn(client, { method: 'HEAD', lines: [TOKEN] })).status, 200);
  });

  it('interim answers pass, 101 does not', CONNECTION_FIELDS, async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) => {
      socket.write('HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n');
      reply(socket, '200 OK', [], OK_BODY);
    };
    const client = await obex.open();
    await client.send(formatRequest({ lines: [TOKEN] }));
    const hints = await client.readResponse();
    assert.equal(hints.status, 103);
    assert.deepEqual(hints.values('link'), ['</style.css>']);
    assert.equal((await client.readResponse()).body.toString(), OK_BODY);
    backend.answer = ({ socket }) =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    const refused = await sendOn(client, { lines: [TOKEN, 'Connection: Upgrade', 'Upgrade: websocket'] });
    assert.deepEqual(bodyOf(refused), { error: 'bad_gateway', reason: 'backend_protocol_error' });
  });
});

describe('streaming', () => {
  it('request chunks reach the backend while the client is still sending', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const client = await obex.open();
    await client.send(
      `${formatRequest({ method: 'POST', lines: [TOKEN, 'Transfer-Encoding: chunked'] })}5\r\nfirst\r\n`,
    );
    await until('the first chunk', () => backend.requests[0]?.body === 'first' || undefined);
    await client.send('6\r\nsecond\r\n');
    await until('the second chunk', () => backend.requests[0]?.body === 'firstsecond' || undefined);
    assert.equal(backend.requests[0]?.complete, false);
    await client.send('0\r\n\r\n');
    assert.equal((await client.readResponse('POST')).body.toString(), OK_BODY);
  });

  it('megabytes both ways arrive as they were sent', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const sent = randomBytes(3_000_000).toString('latin1');
    backend.answer = ({ socket, body }) => {
      const bytes = Buffer.from(body, 'latin1');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`);
      socket.write(bytes);
    };
    const client = await obex.open();
    await client.send(`${formatRequest({ method: 'POST', lines: [TOKEN, `Content-Length: ${sent.length}`] })}${sent}`);
    const response = await client.readResponse();
    assert.ok(response.body.toString('latin1') === sent);
    assert.equal((await obex.event('request'))['bytes'], 3_000_000);
  });

  it('RFC 9110 §10.1.1: Expect: 100-continue is answered when the backend is there, and stays on this hop', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const client = await obex.open();
    await client.send(formatRequest({ method: 'POST', lines: [TOKEN, 'Expect: 100-continue', 'Content-Length: 5'] }));
    assert.equal((await client.readResponse()).status, 100);
    await client.send('hello');
    assert.equal((await client.readResponse()).status, 200);
    assert.equal(backend.requests[0]?.body, 'hello');
    assert.deepEqual(backend.requests[0]?.values('expect'), []);
  });

  it('an SSE head arrives before the first event, then event by event, unchanged', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) =>
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nX-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n',
      );
    const client = await obex.open();
    await client.send(formatRequest({ lines: [TOKEN, 'Accept: text/event-stream'] }));
    const head = await client.readHead();
    assert.equal(head.status, 200);
    assert.deepEqual(head.values('content-type'), ['text/event-stream']);
    assert.deepEqual(head.values('x-accel-buffering'), ['no']);
    const { socket } = await backend.request(0);
    for (const event of [': keep-alive\n\n', 'id: 1\ndata: one\n\n', 'data: two\r\n\r\n', 'data: half']) {
      const before = client.buffered.length;
      socket.write(`${event.length.toString(16)}\r\n${event}\r\n`);
      await until('the event', () => client.buffered.subarray(before).includes(event) || undefined);
    }
    assert.equal(await obex.scrape('obex_event_streams'), 1);
    socket.write('2\r\n\n\n\r\n0\r\n\r\n');
    await client.readUntil('0\r\n\r\n');
    await obex.event('request');
    assert.equal(await obex.scrape('obex_event_streams'), 0);
    assert.equal((await sendOn(await obex.open(), { target: '/health' })).status, 200);
  });

  it('RFC 9112 §9.5: an answer given before the body was read reaches the client', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.onHead = ({ socket }) => {
      reply(socket, '413 Content Too Large', ['Connection: close'], 'too large');
      socket.destroy();
    };
    const body = 'x'.repeat(2_500_000);
    for (let count = 0; count < 20; count += 1) {
      const client = await obex.open();
      // Nobody may ever take all of it.
      void client.send(formatRequest({ method: 'POST', lines: [TOKEN], body }));
      const response = await client.readResponse('POST');
      assert.deepEqual([response.status, response.body.toString()], [413, 'too large']);
      client.destroy();
    }
  });

  it('a GET for events waits for its head without limit, until the client goes', async (context) => {
    const { obex, backend } = await startPhase1(context, { sections: { backend: 'timeout: "50ms"' } });
    backend.answer = () => undefined;
    const listen = async () => {
      const client = await obex.open();
      await client.send(formatRequest({ lines: [TOKEN, 'Accept: application/json, text/event-stream'] }));
      return client;
    };
    const [patient, gone] = [await listen(), await listen()];
    const [first, second] = [await backend.request(0), await backend.request(1)];
    assert.equal((await obex.send({ lines: [TOKEN, 'Accept: */*'] })).status, 504, 'any other GET');
    assert.equal((await obex.send({ method: 'POST', lines: [TOKEN, 'Accept: text/event-stream'] })).status, 504);
    gone.destroy();
    await until('one of the two is cancelled', () => first.socket.destroyed !== second.socket.destroyed || undefined);
    const { socket } = first.socket.destroyed ? second : first;
    reply(socket, '200 OK', ['Content-Type: text/event-stream'], 'data: 1\n\n');
    assert.equal((await patient.readResponse()).body.toString(), 'data: 1\n\n');
  });

  it('the head of any slow answer leaves at once', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n');
    const client = await obex.open();
    await client.send(formatRequest({ lines: [TOKEN] }));
    assert.equal((await client.readHead()).status, 200);
  });
});

describe('RFC 9112 §8: what breaks off is seen to break off', () => {
  const answers: Readonly<Record<string, string>> = {
    'with a length': 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npartial',
    'in chunks': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\npartial\r\n',
    'as an event stream':
      'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\npartial\r\n',
  };
  for (const [how, answer] of Object.entries(answers)) {
    it(`a backend that dies in the middle of an answer ${how}`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      backend.answer = ({ socket }) => socket.write(answer, () => socket.destroy());
      const client = await obex.open();
      await client.send(formatRequest({ lines: [TOKEN] }));
      const response = await client.readResponse();
      assert.equal(response.status, 200);
      assert.equal(response.complete, false, 'the client can tell');
      await client.closed;
      assert.equal((await obex.event('request'))['aborted'], true);
      assert.equal(obex.metric('obex_aborted_total'), 1);
    });
  }

  it('a garbled chunk in an answer', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\npartial\r\n');
    const client = await obex.open();
    await client.send(formatRequest({ lines: [TOKEN] }));
    await client.readUntil('partial');
    backend.requests[0]?.socket.write('XX\r\n');
    assert.equal((await client.readResponse()).complete, false);
  });

  it('a client that leaves takes its backend request with it', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = () => undefined;
    const client = await obex.open();
    await client.send(formatRequest({ method: 'POST', lines: [TOKEN], body: '{}' }));
    const { socket } = await backend.request(0);
    const closed = once(socket, 'close');
    client.destroy();
    await closed;
    const event = await obex.event('request');
    assert.equal(event['status'], 0);
    assert.equal(event['aborted'], true);
  });

  it('a client that leaves an event stream ends it at the backend', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n');
    const client = await obex.open();
    await client.send(formatRequest({ lines: [TOKEN] }));
    await client.readUntil('data: 1');
    const { socket } = await backend.request(0);
    const closed = once(socket, 'close');
    client.destroy();
    await closed;
    await obex.event('request');
    assert.equal(await obex.scrape('obex_event_streams'), 0);
  });

  it('a client that leaves in the middle of its body: the backend never has a whole request', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = () => assert.fail('taken for a whole request');
    const client = await obex.open();
    await client.send(
      `${formatRequest({ method: 'POST', lines: [TOKEN, 'Transfer-Encoding: chunked'] })}5\r\nfirst\r\n`,
    );
    await until('the chunk', () => backend.requests[0]?.body === 'first' || undefined);
    const { socket } = await backend.request(0);
    const closed = once(socket, 'close');
    client.destroy();
    await closed;
    assert.equal(backend.requests[0]?.complete, false);
  });
});

describe('X-Forwarded-For behind trusted proxies', () => {
  it('names the nearest hop that is not trusted, and so does the log', async (context) => {
    const { obex, backend } = await startPhase1(context, {
      sections: { obex: 'trusted_proxies: ["127.0.0.0/8", "10.0.0.0/8"]' },
    });
    await obex.send({ lines: [TOKEN, 'X-Forwarded-For: 6.6.6.6, 203.0.113.9', 'X-Forwarded-For: 10.1.2.3'] });
    assert.deepEqual((await backend.request(0)).values('x-forwarded-for'), ['203.0.113.9']);
    assert.equal((await obex.event('request'))['client'], '203.0.113.9');
  });
});

describe('log.access', () => {
  const cases = [
    ['all', [200, 401]],
    ['denied', [401]],
    ['off', []],
  ] as const;
  for (const [access, statuses] of cases) {
    it(access, async (context) => {
      const { obex } = await startPhase1(context, { sections: { log: `access: "${access}"` } });
      await obex.send({ lines: [TOKEN] });
      await obex.send();
      await until('both to be over', () => obex.metric('obex_requests_in_flight') === 0 || undefined);
      await until('the lines', () => obex.events('request').length >= statuses.length || undefined);
      assert.deepEqual(
        obex.events('request').map((event) => event['status']),
        statuses,
      );
    });
  }
});
