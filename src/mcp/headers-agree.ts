/** Whether the headers of a POST say what its body says. MCP 2026-07-28, Streamable HTTP, Server Validation; SEP-2243, SEP-2663. */
import { type Fault, invalid, mismatch } from './fault.ts';
import { decodeHeaderValue } from './header-value.ts';
import type { Message, Request } from './message.ts';
import { findMethod } from './methods.ts';
import type { Batch } from './read-message.ts';
import { findRevision, isModern } from './revisions.ts';

/** All values of each field, in order. */
export interface McpHeaders {
  readonly versions: readonly string[];
  readonly methods: readonly string[];
  readonly names: readonly string[];
}

/**
 * Undefined when they agree. A header that is there is compared in every revision, since something behind may go by it; in
 * modern revisions those that mirror the body must be there. Batches are refused (-32600) where the revision has none.
 */
export function checkHeaders(headers: McpHeaders, body: Message | Batch): Fault | undefined {
  const { versions, methods, names } = headers;
  const id = body.kind === 'request' ? body.id : null;
  if (versions.length > 1) return mismatch('MCP-Protocol-Version twice', id);
  if (methods.length > 1) return mismatch('Mcp-Method twice', id);
  if (names.length > 1) return mismatch('Mcp-Name twice', id);
  if (body.kind === 'batch') return checkBatch(headers, body);
  const detail = checkVersion(versions[0], body) ?? checkMethod(methods[0], body) ?? checkName(names[0], body);
  if (detail !== undefined) return mismatch(detail, id);
  return body.kind === 'request' ? checkPresence(headers, body) : undefined;
}

function checkBatch({ versions, methods, names }: McpHeaders, { messages }: Batch): Fault | undefined {
  const speaks = findRevision(versions[0]);
  const isModernOne = messages.some((message) => message.kind !== 'response' && message.version !== undefined);
  if (speaks?.batches !== true || isModernOne)
    return invalid('a batch, which this protocol version does not have', null);
  return methods.length + names.length > 0 ? mismatch('Mcp-Method or Mcp-Name with a batch', null) : undefined;
}

function checkVersion(header: string | undefined, message: Message): string | undefined {
  if (message.kind === 'response' || message.version === undefined || header === undefined) return undefined;
  return header === message.version ? undefined : 'MCP-Protocol-Version is not the version in _meta';
}

function checkMethod(header: string | undefined, message: Message): string | undefined {
  if (header === undefined) return undefined;
  return message.kind !== 'response' && header === message.method ? undefined : 'Mcp-Method is not the method';
}

/** An extension may mirror what it wants: of a method that is not known, nothing tells what its Mcp-Name should be. */
function checkName(header: string | undefined, message: Message): string | undefined {
  if (header === undefined || (message.kind !== 'response' && findMethod(message.method) === undefined))
    return undefined;
  const named = message.kind === 'response' ? [] : message.named;
  const isMirrored = named.length === 1 && decodeHeaderValue(header) === named[0]?.name;
  return isMirrored ? undefined : 'Mcp-Name is not what the message names';
}

/** "All requests": what notifications must carry is not defined. */
function checkPresence({ versions, methods, names }: McpHeaders, request: Request): Fault | undefined {
  const version = versions[0] ?? request.version;
  if (version === undefined || !isModern(version)) return undefined;
  if (versions.length === 0) return mismatch('MCP-Protocol-Version is missing', request.id);
  if (methods.length === 0) return mismatch('Mcp-Method is missing', request.id);
  const isMirrored = findMethod(request.method)?.mirrored === true;
  return isMirrored && names.length === 0 ? mismatch('Mcp-Name is missing', request.id) : undefined;
}
