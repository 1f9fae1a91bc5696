/** What is wrong with a POST, and the answer that says so. JSON-RPC 2.0 §5.1; MCP 2026-07-28, Error Codes. */

export type RequestId = string | number;

export interface Fault {
  readonly kind: 'fault';
  /** Parse error, Invalid Request, Header mismatch. */
  readonly code: -32700 | -32600 | -32020;
  readonly reason: 'malformed_message' | 'header_mismatch';
  /** One of a fixed set of phrases; nothing of it was sent. */
  readonly detail: string;
  /** Of the request, where it could be told; null otherwise. */
  readonly id: RequestId | null;
}

const TITLES = { [-32700]: 'Parse error', [-32600]: 'Invalid Request', [-32020]: 'Header mismatch' } as const;

/** The bytes are no JSON text that everybody would read the same way. */
export function unreadable(detail: string): Fault {
  return { kind: 'fault', code: -32700, reason: 'malformed_message', detail, id: null };
}

/** JSON, but no message of MCP. */
export function invalid(detail: string, id: RequestId | null = null): Fault {
  return { kind: 'fault', code: -32600, reason: 'malformed_message', detail, id };
}

/** Headers and body say different things. */
export function mismatch(detail: string, id: RequestId | null): Fault {
  return { kind: 'fault', code: -32020, reason: 'header_mismatch', detail, id };
}

/** The body of the 400 that answers it. */
export function formatFault({ id, code, detail, reason }: Fault): string {
  return formatError(id, { code, message: `${TITLES[code]}: ${detail}`, data: { reason } });
}

export interface ErrorObject {
  readonly code: number;
  readonly message: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An error response of JSON-RPC. */
export function formatError(id: RequestId | null, error: ErrorObject): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}
