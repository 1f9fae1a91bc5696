/** How processes begin and end: what they get, what a client hears, what is left of them. MCP 2025-11-25 transports, stdio. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { describe, it } from 'node:test';
import { isRecord, parseObject } from '../../support/json.ts';
import type { ProgramClient, Reply } from '../../support/programs/client.ts';
import { isGone } from '../../support/programs/process.ts';
import { ALICE, programOptions, programsOptions, startTestPrograms } from '../../support/programs/programs.ts';
import { until } from '../../support/until.ts';

const IS_ROOT = process.getuid?.() === 0;

async function errorOf(reply: Reply): Promise<unknown> {
  return (await reply.message())['error'];
}

async function pidOf(client: ProgramClient): Promise<number> {
  return Number(parseObject(await client.callText('who'))['pid']);
}

/** Those that this process has opened itself: what it was born with is not its own to keep. */
function ownDescriptors(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => linkOf(pid, fd) !== linkOf(process.ppid, fd));
}

function linkOf(pid: number, fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

describe('a process', () => {
  it('gets PATH, HOME, LANG, what is configured, and who it is for; nothing else', async (context) => {
    process.env['OBEX_TEST_PASSED'] = 'passed';
    process.env['OBEX_TEST_SECRET'] = 'secret';
    context.after(() => {
      delete process.env['OBEX_TEST_PASSED'];
      delete process.env['OBEX_TEST_SECRET'];
    });
    const options = programOptions('', {
      env: { DATA: '/data', OBEX_USER: 'forged' },
      passEnv: ['OBEX_TEST_PASSED', 'OBEX_TEST_ABSENT'],
    });
    const { client } = await startTestPrograms(context, options);
    const alice = await client({ ...ALICE, 'x-obex-user': '%C3%A9%20%25', 'x-obex-scopes': 'a:b c' }).open();
    const environment = parseObject(await alice.callText('environment'));
    const expected: Record<string, unknown> = {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      DATA: '/data',
      OBEX_TEST_PASSED: 'passed',
      OBEX_USER: 'é %',
      OBEX_ISSUER: 'https://idp.example',
      OBEX_CLIENT: 'cli',
      OBEX_SCOPES: 'a:b c',
    };
    if (process.env['LANG'] !== undefined) expected['LANG'] = process.env['LANG'];
    assert.deepEqual(environment, expected);
  });

  it('has three descriptors, none of Obex, and leads a group of its own', async (context) => {
    const { client, groups } = await startTestPrograms(context, programOptions('', { command: ['sleep', '1000'] }));
    const asked = new AbortController();
    const reply = client().post(
      { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25' } },
      {},
      asked.signal,
    );
    const pid = await until('the process', () => groups()[0]);
    await until('its own program', () => (readlinkSync(`/proc/${pid}/exe`) === process.execPath ? undefined : true));
    assert.deepEqual(ownDescriptors(pid), ['0', '1', '2']);
    asked.abort();
    await assert.rejects(reply);
    await isGone(pid);
  });

  it('runs in its folder; one that is missing is named', async (context) => {
    const { client, event } = await startTestPrograms(
      context,
      programOptions('', { cwd: '/usr' }),
      programOptions('', { name: 'lost', cwd: '/no/such/folder' }),
    );
    const alice = await client().open();
    assert.equal(parseObject(await alice.callText('who'))['cwd'], '/usr');
    const reply = await client(ALICE, 'lost').initialize();
    assert.deepEqual(await errorOf(reply), { code: -32603, message: 'the program could not be started' });
    assert.equal(reply.sessionId, undefined);
    await event('program_start_failed', { server: 'lost', error: 'its folder /no/such/folder is not there' });
  });

  it('that cannot be started is an error for the client, and a reason in the log', async (context) => {
    const { client, event, metrics } = await startTestPrograms(
      context,
      programOptions('', { name: 'nothing', command: ['no-such-command'] }),
      programOptions('', { name: 'nul', command: ['echo', 'a\0b'] }),
    );
    for (const [server, pattern] of [
      ['nothing', /^there is no command no-such-command on its PATH \(/],
      ['nul', /null bytes/],
    ] as const) {
      const reply = await client(ALICE, server).initialize();
      assert.equal(reply.status, 200);
      assert.deepEqual(await errorOf(reply), { code: -32603, message: 'the program could not be started' });
      assert.match(String((await event('program_start_failed', { server }))['error']), pattern);
    }
    const ended = metrics.families.find(({ name }) => name === 'obex_programs_ended_total');
    const failed = [...(ended?.samples() ?? [])].filter(({ labels }) => labels?.['reason'] === 'start_failed');
    assert.deepEqual(
      failed.map(({ value }) => value),
      [1, 1],
    );
  });

  it('is never told what no environment can hold', async (context) => {
    const { client, events } = await startTestPrograms(context, programOptions());
    for (const user of ['a%00b', 'x'.repeat(140_000)]) {
      const reply = await client({ ...ALICE, 'x-obex-user': user }).initialize();
      assert.equal(reply.status, 403);
      assert.deepEqual(await errorOf(reply), {
        code: -32600,
        message: 'The token holds what no environment can hold',
      });
    }
    assert.deepEqual(events('program_started'), []);
  });

  it('runs as its user, without the groups of Obex', { skip: !IS_ROOT && 'needs root' }, async (context) => {
    const { client, programs } = await startTestPrograms(
      context,
      programOptions('', { user: 'nobody', cwd: '/', command: ['/bin/sh', '-c', SAY_WHO] }),
    );
    const who = await (await client().initialize()).message();
    assert.ok(isRecord(who['result']));
    assert.deepEqual(String(who['result']['who']).trim().split(' '), ['65534', '65534', '65534', '/nonexistent']);
    assert.throws(() => programs.configure(programsOptions(programOptions('', { user: 'no-such-user' }))), {
      message: 'files: there is no user no-such-user in /etc/passwd',
    });
  });

  it('that dies before its first answer is an error, with its last words in the log', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions('dies'));
    const reply = await client().initialize();
    assert.deepEqual(await errorOf(reply), { code: -32603, message: 'the program has ended' });
    assert.equal(reply.sessionId, undefined);
    const { code, stderr, level } = await event('program_ended', { reason: 'exited' });
    assert.deepEqual({ code, stderr, level }, { code: 3, stderr: ['cannot open the database'], level: 'warn' });
  });

  it('that is silent is given up in time', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions('silent', { startTimeoutMs: 50 }));
    const reply = await client().initialize();
    assert.deepEqual(await errorOf(reply), { code: -32603, message: 'the program did not answer in time' });
    await event('program_ended', { reason: 'start_timeout' });
  });

  it('whose first answer is an error has no session', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions('legacy-refusal'));
    const reply = await client().initialize();
    assert.deepEqual(await errorOf(reply), { code: -32602, message: 'no' });
    assert.equal(reply.sessionId, undefined);
    await event('program_ended', { reason: 'era_refused' });
  });

  it('goes with a client that goes before its first answer', async (context) => {
    const { client, event, groups } = await startTestPrograms(context, programOptions('silent'));
    const asked = new AbortController();
    const params = { protocolVersion: '2025-11-25' };
    const reply = client().post({ jsonrpc: '2.0', id: 1, method: 'initialize', params }, {}, asked.signal);
    await event('program_started');
    asked.abort();
    await assert.rejects(reply);
    await event('program_ended', { reason: 'client_gone' });
    await until('the end of its group', () => (groups().length === 0 ? true : undefined));
  });

  it('that crashes fails what is in flight; afterwards the session is not there', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const stream = await alice.get();
    const hanging = alice.call('hang');
    const dying = await alice.call('die');
    const error = { code: -32603, message: 'the program has ended' };
    assert.deepEqual(await errorOf(dying), error);
    assert.deepEqual(await errorOf(await hanging), error);
    assert.deepEqual(await stream.messages(), []);
    const { code, stderr } = await event('program_ended', { reason: 'exited' });
    assert.deepEqual({ code, stderr }, { code: 7, stderr: ['first line', 'last line'] });
    for (const reply of [await alice.call('echo'), await alice.get(), await alice.delete()]) {
      assert.equal(reply.status, 404);
    }
  });

  it('may send no line that is longer than a message may be, with or without its end', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions('', { maxMessageBytes: 100_000 }));
    for (const tool of ['large', 'no-newline']) {
      const alice = await client().open();
      const { pid } = parseObject(await alice.callText('who'));
      const hanging = alice.call('hang');
      const error = { code: -32603, message: 'the program sent a message that is too large' };
      assert.deepEqual(await errorOf(await alice.call(tool, { bytes: 200_000 })), error);
      assert.deepEqual(await errorOf(await hanging), error);
      assert.equal((await alice.call('echo')).status, 404);
      await event('program_ended', { reason: 'message_too_large', pid });
    }
    const bob = await client().open();
    assert.equal((await bob.callText('large', { bytes: 90_000 })).length, 90_000);
  });

  it('that ignores everything is killed, and what it has started goes with it', async (context) => {
    const { client, groups } = await startTestPrograms(context, programOptions('stubborn'));
    const alice = await client().open();
    const pid = await pidOf(alice);
    const grandchild = Number(await alice.callText('fork'));
    await (await alice.delete()).text();
    await isGone(pid);
    await isGone(grandchild);
    await until('the end of its group', () => (groups().length === 0 ? true : undefined));
  });

  it('that ends by itself takes with it what it has started, though that holds its output open', async (context) => {
    const { client, event } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    const grandchild = Number(await alice.callText('fork-and-die'));
    await event('program_ended', { reason: 'exited' });
    await isGone(grandchild);
  });

  it('writes to standard error what the log shows, bounded', async (context) => {
    const { client, events, event } = await startTestPrograms(context, programOptions());
    const alice = await client().open();
    await alice.callText('stderr', { lines: 5_000 });
    await (await alice.delete()).text();
    await event('program_ended', { reason: 'deleted' });
    const shown = events('program_stderr');
    assert.equal(shown[0]?.['line'], 'line 0');
    assert.ok(shown.length < 1_000, `${shown.length} events`);
  });
});

/** What `initialize` is answered with by a shell: user, group, groups, home. */
const SAY_WHO = `read line; printf '{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","who":"%s %s %s %s"}}\\n' "$(id -u)" "$(id -g)" "$(id -G)" "$HOME"; cat > /dev/null`;
