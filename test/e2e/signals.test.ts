/** Signals at every moment of a life: what comes during the start is not lost, and none opens Node's debugger. docs/operations.md. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type Child, startChild } from '../support/child.ts';
import { parseObject } from '../support/json.ts';
import { bearer, formatConfig, sendOn } from '../support/obex.ts';
import { PROGRAM } from '../support/program.ts';
import { openRaw } from '../support/raw-http.ts';
import { OK_BODY, startRecordingBackend } from '../support/recording-backend.ts';
import { createTempFolder } from '../support/temp-folder.ts';

const ROOT = join(import.meta.dirname, '../..');
const DEBUGGER = /Debugger listening on ws:\/\/127\.0\.0\.1:(\d+)/;

/** `serve` with a pipe for its config file: it stands still in the middle of its start until somebody writes there. */
async function startHeld(context: TestContext) {
  const folder = createTempFolder('signals');
  context.after(() => folder.remove());
  const path = join(folder.path, 'obex.yaml');
  execFileSync('mkfifo', [path]);
  const backend = await startRecordingBackend(context);
  const config = formatConfig({ backend });
  const child = startChild({
    command: PROGRAM.command,
    args: [...PROGRAM.args, 'serve', '--config', path],
    // A debugger that opens all the same takes a port of its own.
    env: { NODE_OPTIONS: '--inspect-port=0' },
  });
  context.after(() => child.stop());
  return { child, path, openConfig: () => open(path, 'w'), config };
}

function eventsOf(child: Child): readonly Readonly<Record<string, unknown>>[] {
  return child.stdout().split('\n').slice(0, -1).map(parseObject);
}

function waitForEvent(child: Child, name: string): Promise<Readonly<Record<string, unknown>>> {
  return child.waitFor(`the event ${name}`, () => eventsOf(child).find(({ event }) => event === name));
}

async function answers(url: unknown): Promise<string> {
  const client = await openRaw(Number(new URL(String(url)).port));
  const { body } = await sendOn(client, { lines: [bearer('anything')] });
  client.destroy();
  return body.toString();
}

/** Asserts that nobody listens where Node has said that its debugger would. */
async function assertNoDebugger(child: Child): Promise<void> {
  const [, port] = DEBUGGER.exec(child.stderr()) ?? [];
  if (port === undefined) return;
  const code = await new Promise((resolve) => {
    const socket = connect(Number(port), '127.0.0.1', () => {
      resolve('connected');
      socket.destroy();
    });
    socket.on('error', (error) => resolve('code' in error ? error.code : error));
  });
  assert.equal(code, 'ECONNREFUSED', 'the debugger is open');
}

describe('during the start', () => {
  it('SIGHUP is remembered: a reload follows', async (context) => {
    const { child, path, openConfig, config } = await startHeld(context);
    const first = await openConfig();
    child.kill('SIGHUP');
    // What is read again is a plain file.
    writeFileSync(`${path}.next`, config);
    renameSync(`${path}.next`, path);
    await first.writeFile(config);
    await first.close();
    await waitForEvent(child, 'reloaded');
    child.kill('SIGTERM');
    assert.deepEqual(await child.ended(), { code: 0, signal: null });
  });

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} ends at once`, async (context) => {
      const { child, openConfig } = await startHeld(context);
      const pipe = await openConfig();
      child.kill(signal);
      assert.deepEqual(await child.ended(), { code: null, signal });
      await pipe.close();
    });
  }

  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    it(`${signal} changes nothing, before and after, and says so in the log`, async (context) => {
      const { child, openConfig, config } = await startHeld(context);
      const pipe = await openConfig();
      child.kill(signal);
      await pipe.writeFile(config);
      await pipe.close();
      const { url } = await waitForEvent(child, 'listening');
      assert.equal((await waitForEvent(child, 'signal_ignored'))['signal'], signal);
      child.kill(signal);
      await child.waitFor('the second', () =>
        eventsOf(child).filter(({ event }) => event === 'signal_ignored').length === 2 ? true : undefined,
      );
      assert.equal(await answers(url), OK_BODY);
      await assertNoDebugger(child);
      assert.doesNotMatch(child.stderr(), DEBUGGER);
    });
  }

  it('a SIGUSR1 that came before Obex could forbid it leaves no debugger open', async (context) => {
    const { child, openConfig, config } = await startHeld(context);
    // Node holds SIGUSR1 back until it is ready to open its debugger. From the moment in which SIGHUP is caught it is too late.
    while (!hasSignal(child.pid, 'SigBlk', 10) && !hasSignal(child.pid, 'SigCgt', 1)) await setImmediate();
    child.kill('SIGUSR1');
    const pipe = await openConfig();
    await pipe.writeFile(config);
    await pipe.close();
    const { url } = await waitForEvent(child, 'listening');
    assert.equal(await answers(url), OK_BODY);
    await assertNoDebugger(child);
  });
});

/** Whether a signal of this number stands in a set of /proc. */
function hasSignal(pid: number, set: 'SigBlk' | 'SigCgt', number: number): boolean {
  const [, mask = '0'] =
    new RegExp(`^${set}:\\s*(\\w+)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(number - 1)) & 1n) === 1n;
}

describe('every way of starting that is shipped closes the debugger before the first line of Obex runs', () => {
  for (const [file, line] of [
    ['bin/obex', /exec node --disable-sigusr1 "\$bundle"[^]*exec "\$node" --disable-sigusr1 "\$bundle"/],
    ['scripts/image-root.ts', /`#!\$\{NODE\} --disable-sigusr1\\n/],
    ['scripts/build-executable.ts', /execArgv: \['--disable-sigusr1'\]/],
    ['Dockerfile', /CMD \["node", "--disable-sigusr1", "scripts\/dev-idp\.ts"\]/],
    ['package.json', /"start": "node --disable-sigusr1 src\/main\.ts"/],
    ['Makefile', /node --disable-sigusr1 src\/main\.ts serve/],
  ] as const) {
    it(file, () => assert.match(readFileSync(join(ROOT, file), 'utf8'), line));
  }
});
