/** The control service: a frozen set of commands, for whoever may, and for no page of a browser. RFC 9110, Fetch Metadata, CWE-350 (DNS rebinding). */
import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { EventCap } from '../lib/event-cap.ts';
import { errorField, type Log } from '../observe/log.ts';
import type { CommandLogin } from '../state/login-control.ts';
import { collectBody } from '../wire/collect-body.ts';
import type { Exchange, ExchangeOwner, FieldLines, RequestHead, ServerHandlers } from '../wire/exchange.ts';
import { fieldValues } from '../wire/field-values.ts';
import { formatOutcome, isControlPath, readCommand } from './control-json.ts';
import { ANSWER_PROOF, ControlProofs, proveAnswer, SCHEME } from './proof.ts';

export interface ControlParts {
  readonly command: CommandLogin;
  /** Of now; undefined where the socket's permissions say who may. */
  token(): string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  onBug(error: unknown): void;
}

export const MAX_BODY_BYTES = 16 * 1024;
/** Refusals a minute that are logged: another user of the machine must not fill the log. */
const MAX_LOGGED = 20;
const MINUTE_MS = 60_000;

/** Fixed names, for whoever wonders. */
type Refusal =
  | 'overloaded'
  | 'foreign_host'
  | 'browser'
  | 'unauthorized'
  | 'not_found'
  | 'method_not_allowed'
  | 'unsupported_media_type'
  | 'payload_too_large'
  | 'malformed_command';

const STATUS: Readonly<Record<Refusal, number>> = {
  overloaded: 503,
  foreign_host: 421,
  browser: 403,
  unauthorized: 401,
  not_found: 404,
  method_not_allowed: 405,
  unsupported_media_type: 415,
  payload_too_large: 413,
  malformed_command: 400,
};

export function createControlHandlers(parts: ControlParts): ServerHandlers {
  const service = new ControlService(parts);
  const ignore = (): void => undefined;
  return {
    onBug: (error) => parts.onBug(error),
    onAcceptFailure: ignore,
    onHandshakeFailure: ignore,
    onCalmed: ignore,
    onExchange: (exchange) => service.answer(exchange),
    onRefused: (refusal) => {
      const body = Buffer.from(JSON.stringify({ error: refusal }));
      const status = refusal === 'request_timeout' ? 408 : 400;
      return { head: { status, reason: '', fields: FIELDS, length: body.length }, body };
    },
  };
}

const FIELDS: FieldLines = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];

class ControlService {
  readonly #parts: ControlParts;
  readonly #proofs: ControlProofs;
  readonly #logged = new EventCap(MAX_LOGGED, MINUTE_MS);

  constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#proofs = new ControlProofs(parts.clock);
  }

  answer(exchange: Exchange): void {
    exchange.owner = NOBODY;
    const refusal = exchange.overloaded ? 'overloaded' : judgeHead(exchange.head, this.#parts.token() !== undefined);
    if (refusal !== undefined) return this.#refuse(exchange, refusal);
    collectBody(exchange.body, MAX_BODY_BYTES, (outcome) => {
      if (typeof outcome !== 'string') return this.#receive(exchange, outcome);
      if (outcome === 'payload_too_large') return this.#refuse(exchange, outcome);
      if (outcome === 'malformed_request') return this.#refuse(exchange, 'malformed_command');
      if (outcome === 'request_timeout') send(exchange, 408, { error: outcome });
    });
  }

  #receive(exchange: Exchange, body: Uint8Array): void {
    const { target, fields } = exchange.head;
    const token = this.#parts.token();
    const [proof = ''] = fieldValues(fields, 'authorization');
    const nonce = token === undefined ? '' : this.#proofs.accept(token, proof, { target, body });
    if (nonce === undefined) return this.#refuse(exchange, 'unauthorized');
    const command = readCommand(target, body);
    const prove = token === undefined ? undefined : { token, nonce };
    if (command === undefined) return send(exchange, STATUS.malformed_command, { error: 'malformed_command' }, prove);
    this.#parts.command(command).then(
      (outcome) => {
        const { status, json } = formatOutcome(outcome);
        send(exchange, status, json, prove);
      },
      (error: unknown) => {
        const id = randomUUID();
        this.#parts.log.error('internal_error', { request_id: id, error: errorField(error) });
        send(exchange, 500, { error: 'bug' }, prove);
      },
    );
  }

  #refuse(exchange: Exchange, reason: Refusal): void {
    const { clock, log } = this.#parts;
    if (!this.#logged.isExceeded(clock.monotonicMs()))
      log.warn('control_refused', { reason, client: exchange.peerAddress });
    send(exchange, STATUS[reason], { error: reason });
  }
}

/** All that can be said without the body, the most general first. */
function judgeHead({ method, target, authority, fields }: RequestHead, needsProof: boolean): Refusal | undefined {
  if (!isOwnHost(authority)) return 'foreign_host';
  // Whatever it asks for: no command comes from a page.
  if (isFromBrowser(fields)) return 'browser';
  if (needsProof && !hasProof(fields)) return 'unauthorized';
  if (!isControlPath(target)) return 'not_found';
  if (method !== 'POST') return 'method_not_allowed';
  const types = fieldValues(fields, 'content-type');
  return types.length === 1 && types[0] === 'application/json' ? undefined : 'unsupported_media_type';
}

function hasProof(fields: FieldLines): boolean {
  const values = fieldValues(fields, 'authorization');
  return values.length === 1 && values[0]?.startsWith(`${SCHEME} `) === true;
}

/** A name could be made to mean this machine by whoever owns it. */
function isOwnHost(authority: string): boolean {
  const host = authority.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1');
  return host.toLowerCase() === 'localhost' || isIP(host) !== 0;
}

/** A browser says so with each request that a page can make and that is not a plain visit; and with those, too. */
function isFromBrowser(fields: FieldLines): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = (fields[at] ?? '').toLowerCase();
    if (name === 'origin' || name === 'cookie' || name === 'referer' || name.startsWith('sec-')) return true;
  }
  return false;
}

const NOBODY: ExchangeOwner = { onClose: () => undefined };

interface Proving {
  readonly token: string;
  readonly nonce: string;
}

function send(exchange: Exchange, ...[status, json, proving]: [number, object, Proving?]): void {
  if (exchange.responded) return;
  const body = Buffer.from(JSON.stringify(json));
  const proof = proving && [ANSWER_PROOF, proveAnswer(proving.token, proving.nonce, { status, body })];
  const challenge = status === STATUS.unauthorized ? ['WWW-Authenticate', SCHEME] : [];
  const allow = status === STATUS.method_not_allowed ? ['Allow', 'POST'] : [];
  const fields = [...FIELDS, ...challenge, ...allow, ...(proof ?? [])];
  const sink = exchange.respond({ status, reason: '', fields, length: body.length });
  sink.write(body);
  sink.end();
}
