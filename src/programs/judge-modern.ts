/** What a request of the modern revisions must say of itself before a program sees it: its first message tells a process the era. MCP 2026-07-28, Request Metadata, Versioning. */
import { type ErrorObject, formatError } from '../mcp/fault.ts';
import type { Request } from '../mcp/message.ts';
import { findRevision, isModern, REVISIONS } from '../mcp/revisions.ts';
import { asMembers } from './program-message.ts';

const VERSION = 'io.modelcontextprotocol/protocolVersion';
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const INVALID_PARAMS = -32602;
const UNSUPPORTED_PROTOCOL_VERSION = -32022;

/** The body of the 400; undefined when there is nothing to refuse. */
export function judgeModernRequest(request: Request): string | undefined {
  const error = findFlaw(request);
  return error && formatError(request.id, error);
}

function findFlaw({ params, version }: Request): ErrorObject | undefined {
  if (version === undefined) return missing(VERSION);
  if (!isModern(version) || findRevision(version) === undefined) {
    const supported = REVISIONS.map((revision) => revision.version).filter(isModern);
    const data = { supported, requested: version };
    return { code: UNSUPPORTED_PROTOCOL_VERSION, message: 'Unsupported protocol version', data };
  }
  const capabilities = asMembers(params?.['_meta'])[CAPABILITIES];
  const isThere = typeof capabilities === 'object' && capabilities !== null && !Array.isArray(capabilities);
  return isThere ? undefined : missing(CAPABILITIES);
}

function missing(member: string): ErrorObject {
  return { code: INVALID_PARAMS, message: `Invalid params: _meta lacks ${member}` };
}
