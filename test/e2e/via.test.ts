/** Who has passed a request on, and how far it may go. RFC 9110 §7.6.2, §7.6.3, RFC 5842 §7.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bearer, bodyOf, formatConfig, sendOn, startTestObex } from '../support/obex.ts';
import { OK_BODY, reply } from '../support/recording-backend.ts';
import { startRecordingHop } from '../support/recording-hop.ts';
import { startPhase1, startPhase2 } from '../support/stack.ts';
import { asSent, HTTP1_BYTES, PLAIN_HTTP1, TRANSPORT } from '../support/transport.ts';

const TOKEN = bearer('anything');
const OWN_VIA = TRANSPORT === 'http2' ? /^2 obex-[0-9a-f]{16}$/ : /^1\.1 obex-[0-9a-f]{16}$/;

/** An Obex whose way to the backend can be bent afterwards. */
async function startLoop(context: Parameters<typeof startTestObex>[0]) {
  const ahead = { port: 0 };
  const hop = await startRecordingHop(() => ahead.port);
  context.after(() => hop.stop());
  const sections = { backend: 'headers: { Authorization: "Bearer x" }' };
  const obex = await startTestObex(context, formatConfig({ backend: { port: hop.port }, sections }));
  ahead.port = obex.port;
  return { obex, hop };
}

describe('RFC 9110 §7.6.3: Via', () => {
  it('names Obex to the backend behind those who came before, and to no client', async (context) => {
    const { obex, backend } = await startPhase1(context);
    backend.answer = ({ socket }) => reply(socket, '200 OK', [], OK_BODY);
    const response = await obex.send({ lines: [TOKEN, 'Via: 1.0 fred', 'X-Between: 1', 'Via: 1.1 a (b), 2 c'] });
    const request = await backend.request(0);
    const [fred, others, own, ...more] = request.values('via');
    assert.deepEqual([fred, others, more], ['1.0 fred', '1.1 a (b), 2 c', []]);
    assert.match(own ?? '', OWN_VIA);
    assert.deepEqual(response.values('via'), []);
    assert.ok(!obex.output().includes(own ?? ''));
  });

  it('has the version that was received', HTTP1_BYTES, async (context) => {
    const { obex, backend } = await startPhase1(context);
    const client = await obex.open();
    await client.send(`GET /mcp HTTP/1.0\r\nHost: 127.0.0.1\r\n${TOKEN}\r\n\r\n`);
    assert.equal((await client.readResponse()).status, 200);
    assert.match((await backend.request(0)).values('via')[0] ?? '', /^1\.0 obex-[0-9a-f]{16}$/);
  });

  it('is one id for the process, all its workers and every configuration, and another for the next', async (context) => {
    const stacks = [await startPhase1(context), await startPhase1(context)] as const;
    for (const { obex, backend, config } of stacks) {
      for (let sent = 0; sent < 6; sent += 1) {
        assert.equal((await obex.send({ lines: [TOKEN] })).status, 200);
        if (sent === 2) await obex.reload(config({ limits: 'max_request_body: "10B"' }));
      }
      assert.equal(backend.requests.length, 6);
    }
    const ids = stacks.map(({ backend }) => [
      ...new Set(backend.requests.flatMap(({ lines }) => lines.filter((line) => /^via:/i.test(line)))),
    ]);
    assert.deepEqual(
      ids.map(({ length }) => length),
      [1, 1],
    );
    assert.notEqual(ids[0]?.[0], ids[1]?.[0]);
  });
});

describe('RFC 5842 §7.2: a loop is 508', () => {
  it('but not another Obex in front, nor a name that looks like one', async (context) => {
    const inFront = await startPhase1(context);
    await inFront.obex.send({ lines: [TOKEN] });
    const [foreign = ''] = (await inFront.backend.request(0)).values('via');
    const { obex, backend } = await startPhase1(context);
    for (const via of [foreign, '1.1 obex', '1.1 obex-', '1.1 obex-0123456789abcdef']) {
      assert.equal((await obex.send({ lines: [TOKEN, `Via: ${via}`] })).status, 200, via);
    }
    assert.equal(backend.requests.length, 4);
  });

  it('so that a backend.url that leads back to Obex costs one turn', PLAIN_HTTP1, async (context) => {
    const { obex, hop } = await startLoop(context);
    const response = await obex.send({ lines: [TOKEN] });
    assert.equal(response.status, 508);
    assert.deepEqual(bodyOf(response), { error: 'loop_detected', reason: 'loop_detected' });
    assert.equal(hop.received().join('').split('GET /mcp').length - 1, 1);
  });
});

describe('RFC 9110 §7.6.2: Max-Forwards', () => {
  it('OPTIONS with 0 is answered by Obex, to those whom it would let through', async (context) => {
    const stack = await startPhase2(context);
    const request = { method: 'OPTIONS', lines: ['Max-Forwards: 0'] };
    assert.equal((await stack.obex.send(request)).status, 401);
    const response = await stack.obex.send({ ...request, lines: [...request.lines, await stack.authorization()] });
    assert.equal(response.status, 204);
    assert.deepEqual(response.values('allow'), ['GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
    assert.equal(response.values('x-obex-request-id').length, 1);
    assert.equal(stack.backend.received(), '');
  });

  const cases: readonly (readonly [method: string, value: string, forwarded: string])[] = [
    ['OPTIONS', '1', '0'],
    ['OPTIONS', '10', '9'],
    ['OPTIONS', '99999999999999999999999', '2147483647'],
    ['OPTIONS', '-1', '-1'],
    ['OPTIONS', '1, 2', '1, 2'],
    ['GET', '0', '0'],
    ['POST', '5', '5'],
  ];
  for (const [method, value, forwarded] of cases) {
    it(`${method} with ${value} goes on with ${forwarded}`, async (context) => {
      const { obex, backend } = await startPhase1(context);
      const client = await obex.open();
      const response = await sendOn(client, { method, lines: [TOKEN, `Max-Forwards: ${value}`] });
      assert.equal(response.status, 200);
      const lines = (await backend.request(0)).lines.filter((line) => /^max-forwards:/i.test(line));
      assert.deepEqual(lines, [asSent(`Max-Forwards: ${forwarded}`)]);
    });
  }
});
