/** One message of MCP, told from a JSON value. JSON-RPC 2.0 §4, §5; MCP 2026-07-28, Messages. */
import { isJsonObject, type JsonObject } from '../lib/json-text.ts';
import { type Fault, invalid, type RequestId } from './fault.ts';
import { type DecidingNames, decidingNames, hasLookAlike } from './look-alikes.ts';
import { findMethod, isNotificationMethod } from './methods.ts';
import { findNamed, type Named } from './named.ts';

interface Call {
  readonly method: string;
  /** Absent and null are one. */
  readonly params: JsonObject | undefined;
  /** What it is about: nothing, one, or as many resources and tasks as are subscribed to. */
  readonly named: readonly Named[];
  /** The protocol version that `_meta` names. */
  readonly version: string | undefined;
}

export interface Request extends Call {
  readonly kind: 'request';
  readonly id: RequestId;
}

export interface Notification extends Call {
  readonly kind: 'notification';
}

/** Exactly one of `result` and `error` is there. */
export interface Response {
  readonly kind: 'response';
  /** null where an error does not know it. */
  readonly id: RequestId | null;
  readonly result: unknown;
  readonly error: JsonObject | undefined;
}

export type Message = Request | Notification | Response;

const VERSION_MEMBER = 'io.modelcontextprotocol/protocolVersion';

const MESSAGE_NAMES = decidingNames(['jsonrpc', 'id', 'method', 'params', 'result', 'error']);
const VERSION_NAMES = decidingNames(
  [VERSION_MEMBER],
  ['io.modelcontextprotocol/clientInfo', 'io.modelcontextprotocol/clientCapabilities', 'progressToken'],
);
/** Of a method that is not known, `_meta` alone decides anything. */
const META_NAMES = decidingNames(['_meta']);
const PARAM_NAMES = decidingNames([
  '_meta',
  'name',
  'uri',
  'arguments',
  'ref',
  'taskId',
  'notifications',
  'requestId',
  'progressToken',
  'protocolVersion',
]);

/** `value` was parsed strictly: a name that stands in it stands there once. */
export function toMessage(value: unknown): Message | Fault {
  if (!isJsonObject(value)) return invalid('a message is an object', null);
  if (hasLookAlike(value, MESSAGE_NAMES)) return invalid('a look-alike of a member of messages', null);
  const message = readMembers(value);
  if (typeof message !== 'string') return message;
  const id = value['id'];
  return invalid(message, isRequestId(id) ? id : null);
}

/** A text, or an integer that every double holds. */
function isRequestId(id: unknown): id is RequestId {
  return typeof id === 'string' || Number.isSafeInteger(id);
}

/** The message, or a phrase why there is none. */
function readMembers(message: JsonObject): Message | string {
  if (message['jsonrpc'] !== '2.0') return 'jsonrpc is not "2.0"';
  const isAnswer = message['result'] !== undefined || message['error'] !== undefined;
  if (message['method'] === undefined) return isAnswer ? readResponse(message) : 'neither a method nor an answer';
  return isAnswer ? 'a method beside an answer' : readCall(message);
}

function readResponse(message: JsonObject): Response | string {
  const id = message['id'] ?? null;
  const { result, error, params } = message;
  if (params !== undefined) return 'params beside an answer';
  if (id !== null && !isRequestId(id)) return 'id is neither a text nor an integer';
  if (error === undefined) return id === null ? 'a result without id' : { kind: 'response', id, result, error };
  if (result !== undefined) return 'a result beside an error';
  if (!isJsonObject(error)) return 'error is no object';
  const isError = Number.isSafeInteger(error['code']) && typeof error['message'] === 'string';
  return isError ? { kind: 'response', id, result, error } : 'error has no code or no message';
}

function readCall(message: JsonObject): Request | Notification | string {
  const method = message['method'];
  const params = message['params'] ?? undefined;
  if (typeof method !== 'string' || method === '' || method.includes('\0')) return 'method is no text';
  if (params !== undefined && !isJsonObject(params)) return 'params is no object';
  const known = findMethod(method);
  const flaw = params === undefined ? undefined : flawOfParams(params, known === undefined ? META_NAMES : PARAM_NAMES);
  if (flaw !== undefined) return flaw;
  const named = findNamed(known?.names, params);
  if (typeof named === 'string') return named;
  return withId(message['id'], { method, params, named, version: versionOf(params) });
}

/** A phrase why two decoders could read params, or the version that `_meta` names, in two ways. */
function flawOfParams(params: JsonObject, deciding: DecidingNames): string | undefined {
  if (hasLookAlike(params, deciding)) return 'a look-alike of a member of params';
  const meta = params['_meta'] ?? undefined;
  if (meta === undefined) return undefined;
  if (!isJsonObject(meta)) return 'params._meta is no object';
  if (hasLookAlike(meta, VERSION_NAMES)) return 'a look-alike of the protocol version';
  const version = meta[VERSION_MEMBER];
  return version === undefined || typeof version === 'string' ? undefined : 'the protocol version is no text';
}

function versionOf(params: JsonObject | undefined): string | undefined {
  const meta = params?.['_meta'];
  const version = isJsonObject(meta) ? meta[VERSION_MEMBER] : undefined;
  return typeof version === 'string' ? version : undefined;
}

/** A call with an id is a request, one without is a notification; known methods are one of them. */
function withId(id: unknown, call: Call): Request | Notification | string {
  const { method, params, named, version } = call;
  const isNotice = isNotificationMethod(method);
  if (id === undefined) {
    if (!isNotice && findMethod(method) !== undefined) return 'a request without id';
    return { kind: 'notification', method, params, named, version };
  }
  if (!isRequestId(id)) return 'id is neither a text nor an integer';
  return isNotice ? 'a notification with an id' : { kind: 'request', id, method, params, named, version };
}
