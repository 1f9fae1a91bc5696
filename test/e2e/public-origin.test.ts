/** What the backend says of the origin that clients know: its own URLs stay inside, and it does not speak for more than its answer. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bearer, formatRequest } from '../support/obex.ts';
import { OK_BODY, reply } from '../support/recording-backend.ts';
import { startPhase1 } from '../support/stack.ts';

const TOKEN = bearer('anything');
const PUBLIC = 'https://tool.example.com';

describe('URLs of the backend do not leave', () => {
  it('a redirect of /mcp to /mcp/ with the authority of Host, as Starlette sends it, stays at Obex', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = (request) => {
      const location = `http://${request.values('host')[0] ?? ''}/mcp/?a=%2F#f`;
      reply(request.socket, '307 Temporary Redirect', [`location: ${location}`]);
    };
    const response = await obex.send({ method: 'POST', lines: [TOKEN], body: '{}' });
    assert.equal(response.status, 307);
    assert.deepEqual(response.values('location'), [`${PUBLIC}/mcp/?a=%2F#f`]);
    assert.ok(!JSON.stringify(response.headers).includes(`:${backend.port}`), 'nothing names the inside');
  });

  it('so do Content-Location, Link, Refresh and the metadata of a challenge, in interim answers too', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const inside = `http://127.0.0.1:${backend.port}`;
    backend.answer = ({ socket }) => {
      socket.write(`HTTP/1.1 103 Early Hints\r\nLink: <${inside}/a.css>; rel=preload\r\nAlt-Svc: h2=":1"\r\n\r\n`);
      const lines = [
        `Content-Location: ${inside}/mcp?x`,
        `Link: <${inside}/?page=2>; rel="next", </first>; rel="first", <https://docs.example/>; rel="help"`,
        `Refresh: 0; url=${inside}/login`,
        `WWW-Authenticate: Bearer error="insufficient_scope", resource_metadata="${inside}/.well-known/x", scope="a"`,
      ];
      reply(socket, '403 Forbidden', lines, OK_BODY);
    };
    const client = await obex.open();
    await client.send(formatRequest({ lines: [TOKEN] }));
    const hints = await client.readResponse();
    assert.equal(hints.status, 103);
    assert.deepEqual(hints.values('link'), [`<${PUBLIC}/a.css>; rel=preload`]);
    assert.deepEqual(hints.values('alt-svc'), []);
    const response = await client.readResponse();
    assert.deepEqual(response.values('content-location'), [`${PUBLIC}/mcp?x`]);
    assert.deepEqual(response.values('link'), [
      `<${PUBLIC}/?page=2>; rel="next", </first>; rel="first", <https://docs.example/>; rel="help"`,
    ]);
    assert.deepEqual(response.values('refresh'), [`0; url=${PUBLIC}/login`]);
    assert.deepEqual(response.values('www-authenticate'), [
      `Bearer error="insufficient_scope", resource_metadata="${PUBLIC}/.well-known/x", scope="a"`,
    ]);
  });

  it('another origin passes as it is: where a redirect leads is the choice of the backend', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) => reply(socket, '302 Found', ['Location: http://other.example:9090/mcp']);
    assert.deepEqual((await obex.send({ lines: [TOKEN] })).values('location'), ['http://other.example:9090/mcp']);
  });
});

describe('the backend does not speak for the whole origin', () => {
  it('RFC 7838: Alt-Svc would lead the next request, with its token, round Obex', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) => reply(socket, '200 OK', ['Alt-Svc: h2="backend:9443"; ma=86400'], OK_BODY);
    const response = await obex.send({ lines: [TOKEN] });
    assert.deepEqual([response.status, response.values('alt-svc')], [200, []]);
  });

  it('a cookie is for the public host alone, whatever Domain it came with', async (context) => {
    const { obex, backend } = await startPhase1(context);
    const cookies = [
      'Set-Cookie: a=1; Path=/; Domain=example.com; HttpOnly',
      'Set-Cookie: b=domain=x; domain = .TOOL.example.com; Secure',
      'Set-Cookie: c=3;DOMAIN=backend.internal',
      'Set-Cookie: d=4; SameSite=Lax',
    ];
    backend.answer = ({ socket }) => reply(socket, '200 OK', cookies, OK_BODY);
    assert.deepEqual((await obex.send({ lines: [TOKEN] })).values('set-cookie'), [
      'a=1; Path=/; HttpOnly',
      'b=domain=x; domain = .TOOL.example.com; Secure',
      'c=3',
      'd=4; SameSite=Lax',
    ]);
  });
});
