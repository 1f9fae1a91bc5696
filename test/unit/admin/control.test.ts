/** The control service under attack: other users, pages of a browser, names that mean this machine, half requests, many of them. RFC 9110, CWE-350, CWE-352. */
import assert from 'node:assert/strict';
import { chmodSync, lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { ANSWER_PROOF, proveAnswer, proveRequest } from '../../../src/admin/proof.ts';
import { prepareFolder } from '../../../src/admin/socket-folder.ts';
import {
  CONTROL_TOKEN,
  type Control,
  type ControlRequest,
  formatControl,
  MAX_CONNECTIONS,
  proofLine,
  startControl,
} from '../../support/control.ts';
import type { RawResponse } from '../../support/raw-http.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

function summary({ status, body, values }: RawResponse): readonly unknown[] {
  const own = ['WWW-Authenticate', 'Allow', ANSWER_PROOF].flatMap((name) =>
    values(name).map((value) => `${name}: ${value}`),
  );
  return [status, JSON.parse(body.toString()), ...own];
}

async function assertRefused(control: Control, request: ControlRequest, expected: readonly unknown[]): Promise<void> {
  const response = await control.send(request);
  assert.deepEqual(summary(response), expected);
  assert.deepEqual(response.values('Content-Type'), ['application/json']);
  assert.deepEqual(response.values('Cache-Control'), ['no-store']);
  assert.deepEqual(control.commands, []);
}

describe('commands over a unix socket', () => {
  it('are carried out as they are meant', async (context) => {
    const control = await startControl(context, 'socket');
    assert.deepEqual(summary(await control.send({ body: '{"subject":"ann"}' })), [200, { ended: 1 }]);
    assert.deepEqual(summary(await control.send({ body: '{"client":"c"}' })), [200, { ended: 1 }]);
    assert.deepEqual(summary(await control.send({})), [200, { ended: 1 }]);
    await control.send({ target: '/control/login/sessions', body: '{}' });
    await control.send({ target: '/control/login/sessions', body: '{"subject":"ann"}' });
    assert.deepEqual(control.commands, [
      { kind: 'revoke', whose: { by: 'subject', name: 'ann' } },
      { kind: 'revoke', whose: { by: 'client', name: 'c' } },
      { kind: 'revoke', whose: { by: 'all' } },
      { kind: 'sessions', whose: { by: 'all' } },
      { kind: 'sessions', whose: { by: 'subject', name: 'ann' } },
    ]);
  });

  const outcomes = [
    [{ kind: 'failed', why: 'no_login' }, 404, { error: 'no_login' }],
    [{ kind: 'failed', why: 'store_unavailable' }, 503, { error: 'store_unavailable' }],
    [{ kind: 'failed', why: 'late' }, 504, { error: 'late' }],
    [{ kind: 'ambiguous', clients: ['a', 'b'] }, 409, { error: 'ambiguous_client', clients: ['a', 'b'] }],
  ] as const;
  for (const [outcome, status, json] of outcomes) {
    it(`answers ${status} for ${JSON.stringify(outcome)}`, async (context) => {
      const control = await startControl(context, 'socket');
      control.outcome = async () => outcome;
      assert.deepEqual(summary(await control.send({})), [status, json]);
    });
  }

  it('answer 500 for a bug, and tell it to the log alone', async (context) => {
    const control = await startControl(context, 'socket');
    control.outcome = () => Promise.reject(new Error('a detail'));
    assert.deepEqual(summary(await control.send({})), [500, { error: 'bug' }]);
    assert.equal(control.events[0]?.[0], 'internal_error');
  });

  const cases: Readonly<Record<string, readonly [ControlRequest, readonly unknown[]]>> = {
    'a name that was made to mean this machine': [{ host: 'evil.example' }, [421, { error: 'foreign_host' }]],
    'a name that begins like ours': [{ host: 'localhost.evil.example:9902' }, [421, { error: 'foreign_host' }]],
    'a page of another site': [{ lines: ['Origin: https://evil.example'] }, [403, { error: 'browser' }]],
    'a page without an origin': [{ lines: ['origin: null'] }, [403, { error: 'browser' }]],
    'a page that says where it is from': [{ lines: ['Sec-Fetch-Site: same-origin'] }, [403, { error: 'browser' }]],
    'a browser with a cookie': [{ lines: ['Cookie: a=b'] }, [403, { error: 'browser' }]],
    'a form': [
      { type: 'application/x-www-form-urlencoded', body: 'all=true' },
      [415, { error: 'unsupported_media_type' }],
    ],
    'JSON as text': [{ type: 'text/plain' }, [415, { error: 'unsupported_media_type' }]],
    'no type': [{ type: '' }, [415, { error: 'unsupported_media_type' }]],
    'another method': [{ method: 'GET', body: '' }, [405, { error: 'method_not_allowed' }, 'Allow: POST']],
    OPTIONS: [{ method: 'OPTIONS', body: '' }, [405, { error: 'method_not_allowed' }, 'Allow: POST']],
    'another path': [{ target: '/control/login/revoke/' }, [404, { error: 'not_found' }]],
    'a query': [{ target: '/control/login/revoke?all=true' }, [404, { error: 'not_found' }]],
    'a name of objects': [{ target: '/__proto__' }, [404, { error: 'not_found' }]],
    'a body that is too large': [
      { body: `{"subject":"${'a'.repeat(16 * 1024)}"}` },
      [413, { error: 'payload_too_large' }],
    ],
    'no JSON': [{ body: '{' }, [400, { error: 'malformed_command' }]],
    'nothing of whom': [{ body: '{}' }, [400, { error: 'malformed_command' }]],
    'all, perhaps': [{ body: '{"all":false}' }, [400, { error: 'malformed_command' }]],
    'two of whom': [{ body: '{"all":true,"subject":"ann"}' }, [400, { error: 'malformed_command' }]],
    'an empty name': [{ body: '{"subject":""}' }, [400, { error: 'malformed_command' }]],
    'a name that is none': [{ body: '{"subject":["ann"]}' }, [400, { error: 'malformed_command' }]],
  };
  for (const [name, [request, expected]] of Object.entries(cases)) {
    it(`refuse ${name}`, async (context) => assertRefused(await startControl(context, 'socket'), request, expected));
  }

  it('take localhost and addresses for their host', async (context) => {
    const control = await startControl(context, 'socket');
    for (const host of ['LocalHost', 'localhost:9902', '127.0.0.1:9902', '[::1]', '[::1]:9902']) {
      assert.equal((await control.send({ host })).status, 200, host);
    }
  });

  it('refuse a body that goes on without saying how long it is', async (context) => {
    const control = await startControl(context, 'socket');
    const client = await control.open();
    const head = formatControl({ body: '' }).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    await client.send(`${head}5000\r\n${' '.repeat(0x5000)}\r\n0\r\n\r\n`);
    assert.deepEqual(summary(await client.readResponse()), [413, { error: 'payload_too_large' }]);
    assert.deepEqual(control.commands, []);
  });

  it('log a few refusals, and no flood of them', async (context) => {
    const control = await startControl(context, 'socket');
    for (let count = 0; count < 30; count += 1) await control.send({ host: 'evil.example' });
    assert.equal(control.events.length, 20);
    assert.deepEqual(control.events[0], ['control_refused', { reason: 'foreign_host', client: '' }]);
  });
});

describe('commands over a port', () => {
  const nowMs = new Date('2026-03-01T12:00:00Z').getTime();
  const unauthorized = [401, { error: 'unauthorized' }, 'WWW-Authenticate: Obex-Control'];

  it('prove to know the token, which is never sent, and are answered with a proof', async (context) => {
    const control = await startControl(context, 'port');
    const { value, nonce } = proveRequest(
      CONTROL_TOKEN,
      { target: '/control/login/revoke', body: Buffer.from('{"all":true}') },
      nowMs,
    );
    assert.equal(value.includes(CONTROL_TOKEN), false);
    const response = await control.send({ lines: [`Authorization: ${value}`] });
    const proof = proveAnswer(CONTROL_TOKEN, nonce, { status: 200, body: response.body });
    assert.deepEqual(summary(response), [200, { ended: 1 }, `${ANSWER_PROOF}: ${proof}`]);
    assert.deepEqual(control.commands, [{ kind: 'revoke', whose: { by: 'all' } }]);
  });

  const proofs: Readonly<Record<string, readonly string[]>> = {
    'no proof': [],
    'the token itself': [`Authorization: Bearer ${CONTROL_TOKEN}`],
    'something else': ['Authorization: Obex-Control yes'],
    'a proof of another command': [proofLine({ target: '/control/login/sessions' }, nowMs)],
    'a proof of another body': [proofLine({ body: '{"subject":"ann"}' }, nowMs)],
    'an old proof': [proofLine({}, nowMs - 62_000)],
    'a proof of the future': [proofLine({}, nowMs + 62_000)],
    'two proofs': [proofLine({}, nowMs), proofLine({}, nowMs)],
    'a proof of another token': [
      `Authorization: ${proveRequest('x'.repeat(32), { target: '/control/login/revoke', body: Buffer.from('{"all":true}') }, nowMs).value}`,
    ],
    'a changed proof': [proofLine({}, nowMs).replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))],
  };
  for (const [name, lines] of Object.entries(proofs)) {
    it(`refuse ${name}`, async (context) =>
      assertRefused(await startControl(context, 'port'), { lines }, unauthorized));
  }

  it('count once', async (context) => {
    const control = await startControl(context, 'port');
    const lines = [proofLine({}, nowMs)];
    assert.equal((await control.send({ lines })).status, 200);
    assert.deepEqual(summary(await control.send({ lines })), unauthorized);
    // A clock that is set back brings no proof back.
    control.clock.advance(59_000);
    control.clock.jump(-59_000);
    assert.deepEqual(summary(await control.send({ lines })), unauthorized);
    assert.equal(control.commands.length, 1);
  });

  it('tell strangers nothing of what there is', async (context) => {
    await assertRefused(await startControl(context, 'port'), { target: '/control/unknown' }, unauthorized);
  });
});

async function hold(context: TestContext, place: string | number, bytes: string): Promise<Socket> {
  const socket = typeof place === 'number' ? connect(place, '127.0.0.1') : connect(place);
  context.after(() => socket.destroy());
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(bytes);
  return socket;
}

describe('those who take place', () => {
  it('a thousand connections are not a thousand: the rest is closed', async (context) => {
    const control = await startControl(context, 'port');
    const half = formatControl({}).slice(0, 40);
    const sockets = await Promise.all(Array.from({ length: 1_000 }, () => hold(context, control.place, half)));
    const reserve = 32;
    await until('the rest to be closed', () => {
      const open = sockets.filter(({ closed }) => !closed).length;
      return open <= MAX_CONNECTIONS + reserve ? true : undefined;
    });
    for (const socket of sockets) socket.destroy();
    await until('a place', async () => {
      const { status } = await control.send({ lines: [proofLine({}, control.clock.nowMs())] });
      return status === 200 ? true : undefined;
    });
    assert.deepEqual(
      control.events.filter(([event]) => event === 'bug'),
      [],
    );
  });

  it('beyond the few places a request is refused, and gets one as soon as there is', async (context) => {
    const control = await startControl(context, 'socket');
    const idle = await Promise.all(Array.from({ length: MAX_CONNECTIONS }, () => hold(context, control.place, '')));
    assert.deepEqual(summary(await control.send({})), [503, { error: 'overloaded' }]);
    for (const socket of idle) socket.destroy();
    await until('a place', async () => ((await control.send({})).status === 200 ? true : undefined));
  });

  it('a client that goes before its answer leaves nothing behind', async (context) => {
    const control = await startControl(context, 'socket');
    const answered = Promise.withResolvers<void>();
    control.outcome = async () => {
      await answered.promise;
      return { kind: 'revoked', ended: 1 };
    };
    const client = await control.open();
    await client.send(formatControl({}));
    await until('the command', () => (control.commands.length === 1 ? true : undefined));
    client.destroy();
    await client.closed;
    answered.resolve();
    control.outcome = async () => ({ kind: 'revoked', ended: 2 });
    assert.deepEqual(summary(await control.send({})), [200, { ended: 2 }]);
    assert.deepEqual(control.events, []);
  });
});

describe('the socket', () => {
  it('is for its user alone, from its first moment', async (context) => {
    const before = process.umask(0);
    context.after(() => process.umask(before));
    const { place } = await startControl(context, 'socket');
    assert.equal(lstatSync(String(place)).mode & 0o777, 0o600);
    assert.equal(process.umask(), 0, 'what else is made is made as before');
  });

  it('stands in a folder that is made for it', () => {
    const folder = path.join(createTempFolder('ctl').path, 'control');
    prepareFolder(path.join(folder, 'c.sock'));
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    prepareFolder(path.join(folder, 'c.sock'));
  });

  it('does not stand where others may put another in its place', () => {
    const folder = path.join(createTempFolder('ctl').path, 'open');
    mkdirSync(folder);
    for (const mode of [0o777, 0o775, 0o1777, 0o702]) {
      chmodSync(folder, mode);
      assert.throws(() => prepareFolder(path.join(folder, 'c.sock')), {
        message:
          `admin.listen: others may write to ${folder}, and could put a socket of their own there; ` +
          `chmod go-w ${folder}, or choose a folder below it, which Obex makes`,
      });
    }
    chmodSync(folder, 0o755);
    prepareFolder(path.join(folder, 'c.sock'));
  });

  it('does not stand where there is no folder', () => {
    const { path: root } = createTempFolder('ctl');
    assert.throws(() => prepareFolder(path.join(root, 'a', 'b', 'c.sock')), {
      message: `admin.listen: there is no ${root}/a/b, and the folder above it is missing; make it: mkdir -p -m 700 ${root}/a/b`,
    });
    writeFileSync(path.join(root, 'file'), '');
    assert.throws(() => prepareFolder(path.join(root, 'file', 'c.sock')), {
      message: `admin.listen: ${root}/file is no folder; choose another path`,
    });
  });
});
