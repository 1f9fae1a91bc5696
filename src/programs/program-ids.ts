/** Ids of clients in a process that several of them share: each is one number there, and its own again on the way back. MCP 2026-07-28, Progress, Subscriptions. */
import type { RequestId } from '../mcp/fault.ts';
import type { Request } from '../mcp/message.ts';
import { findSpan, type Replacement, replaceSpans } from './json-span.ts';
import { asMembers, type ProgramRequest, type ProgramResponse } from './program-message.ts';

const PROGRESS_TOKEN = ['params', '_meta', 'progressToken'];
const SUBSCRIPTION_ID = 'io.modelcontextprotocol/subscriptionId';

/** What a client called its request, and the progress of it, in JSON. */
export interface ClientIds {
  readonly value: RequestId;
  readonly id: string;
  readonly progressToken: string | undefined;
}

/** The request as the process gets it. */
export function toShared(
  line: Buffer,
  { id }: Request,
  shared: number,
): { readonly line: Buffer; readonly ids: ClientIds } {
  const token = findSpan(line, PROGRESS_TOKEN);
  const own = { json: String(shared) };
  return {
    line: replaceSpans(line, [...at(line, ['id'], own.json), ...at(line, PROGRESS_TOKEN, own.json)]),
    ids: { value: id, id: JSON.stringify(id), progressToken: token && line.toString('utf8', token.start, token.end) },
  };
}

/** A response with another id; one that has none gets it. */
export function withId({ json, members }: ProgramResponse, id: string): Buffer {
  const replacements = at(json, ['id'], id);
  if (replacements.length > 0) return replaceSpans(json, replacements);
  return Buffer.from(JSON.stringify({ ...members, id: JSON.parse(id) }));
}

/** A response as the client gets it. */
export function toClient(message: ProgramResponse, { id }: ClientIds): Buffer {
  const json = withId(message, id);
  return replaceSpans(json, at(json, ['result', '_meta', SUBSCRIPTION_ID], id));
}

/** The request that a notification points to, as the process knows it. */
export function sharedIdOf({ method, params }: ProgramRequest): number | undefined {
  const { [SUBSCRIPTION_ID]: subscription } = asMembers(params['_meta']);
  const token = method === 'notifications/progress' ? params['progressToken'] : subscription;
  return typeof token === 'number' ? token : undefined;
}

/** A notification as the client of that request gets it. */
export function toClientOf(message: ProgramRequest, { id, progressToken }: ClientIds): Buffer {
  const { json, method } = message;
  const progress = method === 'notifications/progress' && progressToken !== undefined;
  return replaceSpans(json, [
    ...(progress ? at(json, ['params', 'progressToken'], progressToken) : []),
    ...at(json, ['params', '_meta', SUBSCRIPTION_ID], id),
  ]);
}

/** `notifications/cancelled` for another id. */
export function cancelShared(line: Buffer, shared: number): Buffer {
  return replaceSpans(line, at(line, ['params', 'requestId'], String(shared)));
}

function at(json: Buffer, path: readonly string[], text: string): readonly Replacement[] {
  const span = findSpan(json, path);
  return span === undefined ? [] : [{ span, json: text }];
}
