/** A login thread whose server does as a request's target says, and as `title` says when it is configured. */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { attend } from '../../src/login/attend.ts';
import type { LoginHooks, LoginServer } from '../../src/login/server.ts';
import type { LoginAnswer, LoginRequest } from '../../src/state/login-channel.ts';
import type { LoginCommandOutcome, Whose } from '../../src/state/login-control.ts';

/** As a thread without a lasting store: another key in each life. */
function tellKey({ onKeys }: LoginHooks): void {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  onKeys([{ kty: 'EC', crv: 'P-256', use: 'sig', alg: 'ES256', kid: randomUUID(), x, y }]);
}

async function handle({ target, body }: LoginRequest, log: LoginHooks['log']): Promise<LoginAnswer> {
  switch (target) {
    case '/never':
      return new Promise(() => undefined);
    case '/bug':
      throw new Error('a bug in the server');
    case '/crash':
      setImmediate(() => {
        throw new Error('the thread has crashed');
      });
      return new Promise(() => undefined);
    case '/exit':
      return process.exit(3);
    default:
      log.info('asked', { target });
      return { status: 200, fields: ['X-Target', target], body };
  }
}

/** `crash` ends the thread, `never` gives no answer; whatever else is called back. */
async function obey(whose: Whose, hooks: LoginHooks): Promise<LoginCommandOutcome> {
  const name = whose.by === 'all' ? '' : whose.name;
  if (name === 'crash') await handle({ ...NO_REQUEST, target: '/crash' }, hooks.log);
  if (name === 'never') return new Promise(() => undefined);
  hooks.onRevocations([{ by: whose.by, name, issuedUntil: 1, endsAtMs: Number.MAX_SAFE_INTEGER }]);
  return { kind: 'revoked', ended: 1 };
}

const NO_REQUEST = { method: 'GET', fields: [], body: Buffer.alloc(0), clientAddress: '', requestId: '' };

if (parentPort !== null) {
  await attend(parentPort, workerData, async (options, hooks): Promise<LoginServer> => {
    if (options.title === 'refused') throw new Error('the store cannot be opened');
    tellKey(hooks);
    return {
      handle: (request) => handle(request, hooks.log),
      configure: async ({ title }) => {
        if (title === 'refused') throw new Error('the server refuses it');
      },
      command: ({ whose }) => obey(whose, hooks),
      stop: async () => hooks.log.info('server_stopped'),
    };
  });
}
