/** The control service alone, on a socket or a port, with whatever carries out its commands. */
import { chmodSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { listenForControl } from '../../src/admin/listen.ts';
import { proveRequest } from '../../src/admin/proof.ts';
import type { Log } from '../../src/observe/log.ts';
import type { LoginCommand, LoginCommandOutcome } from '../../src/state/login-control.ts';
import { FakeClock } from './fake-clock.ts';
import { freePort } from './free-port.ts';
import { openRaw, type RawClient, type RawResponse } from './raw-http.ts';
import { createTempFolder } from './temp-folder.ts';

export const CONTROL_TOKEN = 'what-the-owners-of-this-obex-know';
export const MAX_CONNECTIONS = 4;

export interface ControlRequest {
  readonly method?: string;
  readonly target?: string;
  /** In the place of `localhost`. */
  readonly host?: string;
  readonly type?: string;
  /** Further field lines. */
  readonly lines?: readonly string[];
  readonly body?: string;
}

export interface Control {
  readonly commands: LoginCommand[];
  readonly events: (readonly [event: string, fields: unknown])[];
  readonly clock: FakeClock;
  /** A path, or a port. */
  readonly place: string | number;
  outcome: () => Promise<LoginCommandOutcome>;
  open(): Promise<RawClient>;
  /** On a connection of its own. */
  send(request: ControlRequest): Promise<RawResponse>;
}

export async function startControl(context: TestContext, on: 'socket' | 'port'): Promise<Control> {
  const folder = createTempFolder('ctl');
  context.after(() => folder.remove());
  chmodSync(folder.path, 0o700);
  const socket = path.join(folder.path, 'c.sock');
  const port = on === 'port' ? await freePort() : 0;
  const clock = new FakeClock();
  const events: Control['events'] = [];
  const write = (event: string, fields = {}): void => void events.push([event, fields]);
  const log: Log = { debug: write, info: write, warn: write, error: write, setLevel: () => undefined };
  const control: Control = {
    commands: [],
    events,
    clock,
    place: on === 'port' ? port : socket,
    outcome: async () => ({ kind: 'revoked', ended: 1 }),
    async open() {
      const client = await openRaw(control.place);
      context.after(() => client.destroy());
      return client;
    },
    async send(request) {
      const client = await control.open();
      await client.send(formatControl(request));
      const response = await client.readResponse();
      client.destroy();
      return response;
    },
  };
  const server = await listenForControl(
    on === 'port' ? { host: '127.0.0.1', port } : { path: socket },
    MAX_CONNECTIONS,
    {
      command: (command) => {
        control.commands.push(command);
        return control.outcome();
      },
      token: () => (on === 'port' ? CONTROL_TOKEN : undefined),
      clock,
      log,
      onBug: (error) => events.push(['bug', error]),
    },
  );
  context.after(() => server.destroy());
  return control;
}

/** A command that would be carried out, with one thing changed. */
export function formatControl(request: ControlRequest): string {
  const { method = 'POST', target = '/control/login/revoke', host = 'localhost', type = 'application/json' } = request;
  const { lines = [], body = '{"all":true}' } = request;
  const fields = [
    `Host: ${host}`,
    ...(type === '' ? [] : [`Content-Type: ${type}`]),
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...lines,
  ];
  return `${method} ${target} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body}`;
}

/** The field line by which a holder of the token shows that it is one. */
export function proofLine(
  { target = '/control/login/revoke', body = '{"all":true}' }: ControlRequest,
  nowMs: number,
): string {
  return `Authorization: ${proveRequest(CONTROL_TOKEN, { target, body: Buffer.from(body) }, nowMs).value}`;
}
