/** A small MCP server over stdio that does what it is told: by its first argument at the start, by the name of a tool later. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

interface Message {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly result?: unknown;
  readonly params?: {
    readonly name?: string;
    readonly requestId?: unknown;
    readonly arguments?: Readonly<Record<string, unknown>>;
    readonly _meta?: Readonly<Record<string, unknown>>;
  };
}

const [, , mode = ''] = process.argv;
const seen: Message[] = [];
/** Requests of its own, and who waits for their answers. */
const asked = new Map<unknown, unknown>();

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

function say(message: object): void {
  write(JSON.stringify({ jsonrpc: '2.0', ...message }));
}

function text(id: Message['id'], value: string): void {
  say({ id, result: { content: [{ type: 'text', text: value }] } });
}

function initialize(id: Message['id'], version: unknown): void {
  switch (mode) {
    case 'silent':
      return;
    case 'dies':
      process.stderr.write('cannot open the database\n');
      return process.exit(3);
    case 'legacy-refusal':
      return say({ id, error: { code: -32602, message: 'no' } });
    default:
      say({
        id,
        result: { protocolVersion: version, capabilities: { tools: {} }, serverInfo: { name: 's', version: '1' } },
      });
  }
}

function callTool(message: Message): void {
  const { id, params } = message;
  const args = params?.arguments ?? {};
  switch (params?.name ?? '') {
    case 'echo':
      return text(id, String(args['text']));
    case 'environment':
      return text(id, JSON.stringify(process.env));
    case 'who':
      return text(
        id,
        JSON.stringify({
          pid: process.pid,
          uid: process.getuid?.(),
          gid: process.getgid?.(),
          groups: process.getgroups?.(),
          cwd: process.cwd(),
        }),
      );
    case 'hang':
      return;
    case 'seen':
      return text(id, JSON.stringify(seen));
    case 'die':
      process.stderr.write('first line\nlast line\n');
      return void setImmediate(() => process.exit(7));
    case 'progress':
      for (const progress of [1, 2]) {
        say({
          method: 'notifications/progress',
          params: { progressToken: params?._meta?.['progressToken'], progress },
        });
      }
      return text(id, 'done');
    case 'log':
      say({ method: 'notifications/message', params: { level: 'info', data: 'working' } });
      return text(id, 'done');
    case 'announce':
      text(id, 'done');
      return say({ method: 'notifications/tools/list_changed' });
    case 'ask':
      asked.set('of-the-program', id);
      return say({ id: 'of-the-program', method: 'roots/list' });
    case 'raw':
      return write(String(args['line']).replaceAll('"ID"', JSON.stringify(id)));
    case 'large':
      return text(id, 'x'.repeat(Number(args['bytes'])));
    case 'no-newline':
      return void process.stdout.write('x'.repeat(Number(args['bytes'])));
    case 'stderr':
      for (let line = 0; line < Number(args['lines']); line += 1) process.stderr.write(`line ${line}\n`);
      return text(id, 'done');
    case 'flood':
      for (let index = 0; index < Number(args['messages']); index += 1) {
        say({ method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(1_000) } });
      }
      return text(id, 'done');
    case 'fork': {
      const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
      return text(id, String(child.pid));
    }
    case 'fork-and-die': {
      const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
      text(id, String(child.pid));
      return void setImmediate(() => process.exit(0));
    }
    default:
      say({ id, error: { code: -32602, message: 'unknown tool' } });
  }
}

function receive(message: Message): void {
  seen.push(message);
  const { id, method, params } = message;
  if (method === undefined) {
    const waiting = asked.get(id);
    if (waiting !== undefined && (typeof waiting === 'string' || typeof waiting === 'number')) {
      text(waiting, JSON.stringify(message.result));
    }
    return;
  }
  if (method === 'initialize') return initialize(id, Object(params)['protocolVersion']);
  if (method === 'tools/call') return callTool(message);
  if (id === undefined) return;
  if (method === 'server/discover') {
    if (mode === 'legacy') return say({ id, error: { code: -32601, message: 'Method not found' } });
    return say({ id, result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {} } });
  }
  if (method === 'subscriptions/listen') {
    const meta = { 'io.modelcontextprotocol/subscriptionId': id };
    say({ method: 'notifications/subscriptions/acknowledged', params: { notifications: {}, _meta: meta } });
    return say({ method: 'notifications/tools/list_changed', params: { _meta: meta } });
  }
  if (method === 'refuse') return say({ id, error: { code: Object(params)['code'], message: 'refused' } });
  say({ id, error: { code: -32601, message: 'Method not found' } });
}

if (mode === 'stubborn') {
  process.on('SIGTERM', () => process.stderr.write('SIGTERM, ignored\n'));
  setInterval(() => undefined, 1_000_000);
}
if (mode === 'deaf') setInterval(() => undefined, 1_000_000);
else {
  createInterface({ input: process.stdin }).on('line', (line) => receive(JSON.parse(line)));
  if (mode === 'noisy') write('Welcome to the server!\n{"not": "a message"}\n[1, 2]');
}
