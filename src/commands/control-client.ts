/** Asks the Obex that runs with a config, over its control listener. RFC 9110. */

import { formatCommand } from '../admin/control-json.ts';
import { ANSWER_PROOF, isSame, proveAnswer, proveRequest } from '../admin/proof.ts';
import { formatListen } from '../config/listen.ts';
import type { Config } from '../config/schema.ts';
import type { LoginCommand } from '../state/login-control.ts';

export interface ControlAnswer {
  readonly status: number;
  readonly json: unknown;
}

/** What keeps a person from it, and what to do. */
export class ControlProblem extends Error {
  override readonly name = 'ControlProblem';
  readonly exit: number;

  constructor(
    message: string,
    { exit = EXIT_FAILED, cause }: { readonly exit?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.exit = exit;
  }
}

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

const NOT_CONFIGURED =
  'admin.listen is not configured, so a running Obex cannot be reached; set it, for example to "unix:/run/obex/control.sock", and ' +
  'restart Obex';

/** A little more than what Obex itself takes for one. */
const TIMEOUT_MS = 70_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

interface RawAnswer {
  readonly status: number;
  readonly proof: string;
  readonly body: Buffer;
}

/** Rejects with a `ControlProblem`. */
export async function askControl(
  { listen, token }: Config['admin'],
  command: LoginCommand,
  nowMs: number,
): Promise<ControlAnswer> {
  if (listen === undefined) throw new ControlProblem(NOT_CONFIGURED, { exit: EXIT_USAGE });
  const { target, body } = formatCommand(command);
  const proof = token === undefined ? undefined : proveRequest(token, { target, body: Buffer.from(body) }, nowMs);
  const headers = { 'Content-Type': 'application/json', ...(proof && { Authorization: proof.value }) };
  const answer = await post({ listen, target, headers, body }).catch((error: unknown) => {
    throw new ControlProblem(explain(error, formatListen(listen)), { cause: error });
  });
  if (answer.status === 401) {
    throw new ControlProblem('the running Obex has another admin.token, or a clock of its own; reload or restart it');
  }
  const { status } = answer;
  const expected = proof && token !== undefined ? proveAnswer(token, proof.nonce, { status, body: answer.body }) : '';
  if (!isSame(expected, answer.proof)) {
    throw new ControlProblem(
      `what listens on ${formatListen(listen)} does not know admin.token: it is no Obex with this config. Nothing it says was believed`,
    );
  }
  return { status, json: parse(answer.body) };
}

interface Post {
  readonly listen: NonNullable<Config['admin']['listen']>;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function post({ listen, target, headers, body }: Post): Promise<RawAnswer> {
  const place =
    'path' in listen ? { socketPath: listen.path } : { host: listen.host ?? '127.0.0.1', port: listen.port };
  // Not by `import`, which of `node:http` loads all of `fetch`, too.
  const { request } = process.getBuiltinModule('node:http');
  const options = { ...place, path: target, method: 'POST', headers: { ...headers, Host: 'localhost' } };
  return new Promise((resolve, reject) => {
    request({ ...options, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) })
      .on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        const proof = response.headers[ANSWER_PROOF.toLowerCase()];
        response
          .on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            bytes += chunk.length;
            if (bytes > MAX_ANSWER_BYTES) response.destroy(new Error('the answer is too large'));
          })
          .on('error', reject)
          .on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              proof: typeof proof === 'string' ? proof : '',
              body: Buffer.concat(chunks),
            }),
          );
      })
      .on('error', reject)
      .end(body);
  });
}

function explain(error: unknown, place: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return `nothing listens on ${place}: is Obex running, with this config and this admin.listen?`;
    case 'EACCES':
    case 'EPERM':
      return `permission denied on ${place}: run this as the user that Obex runs as, or as root`;
    case 'ABORT_ERR':
      return `no answer on ${place} in ${TIMEOUT_MS / 1000} s`;
    default:
      return `${place}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
