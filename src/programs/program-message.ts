/** One line of a program as a message: any JSON object that is one, whatever else it holds. JSON-RPC 2.0 §4, §5. */
import { isUtf8 } from 'node:buffer';

type Members = Readonly<Record<string, unknown>>;

interface Base {
  /** The line; only lent. */
  readonly json: Buffer;
  readonly members: Members;
}

export interface ProgramResponse extends Base {
  readonly kind: 'response';
  /** Null when the program could not tell which request it answers. */
  readonly id: string | number | null;
  /** Of an error that has one. */
  readonly code: number | undefined;
  readonly isError: boolean;
}

export interface ProgramRequest extends Base {
  readonly kind: 'request' | 'notification';
  readonly method: string;
  readonly params: Members;
}

export type ProgramMessage = ProgramResponse | ProgramRequest;

/** Undefined for a line that is none. */
export function readProgramMessage(line: Buffer): ProgramMessage | undefined {
  const json = trimEnd(line);
  const members = parse(json);
  if (members === undefined) return undefined;
  const { id, method, params, error } = members;
  const hasId = Object.hasOwn(members, 'id');
  if (typeof method === 'string') {
    return { kind: hasId ? 'request' : 'notification', json, members, method, params: asMembers(params) };
  }
  const isError = Object.hasOwn(members, 'error') && !(error === null && Object.hasOwn(members, 'result'));
  if (!isError && !Object.hasOwn(members, 'result')) return undefined;
  // An error alone may be about what could not be read.
  if (!isId(id) && !(isError && (id === null || !hasId))) return undefined;
  const { code } = asMembers(error);
  const known = isError && typeof code === 'number' ? code : undefined;
  return { kind: 'response', json, members, id: isId(id) ? id : null, isError, code: known };
}

/** The member of that name, if it is an object; else one without members. */
export function asMembers(value: unknown): Members {
  return isMembers(value) ? value : NOTHING;
}

function isId(id: unknown): id is string | number {
  return typeof id === 'string' || typeof id === 'number';
}

const NOTHING: Members = Object.freeze({});

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(json: Buffer): Members | undefined {
  // Most of what programs print beside messages is seen at the first character.
  if (json[0] !== 0x7b && !/^\s*\{/.test(json.toString('latin1', 0, 64))) return undefined;
  if (!isUtf8(json)) return undefined;
  try {
    const value: unknown = JSON.parse(json.toString());
    return isMembers(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function trimEnd(line: Buffer): Buffer {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}
