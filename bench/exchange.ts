/** The request that every scenario sends, and the answer that the backend gives: an MCP tool call of about 300 bytes each way. */

export const PATH = '/mcp';

export const REQUEST_BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'run_query',
    arguments: {
      sql: 'SELECT id, name, created_at FROM customers WHERE region = ? ORDER BY created_at LIMIT 50',
      limit: 50,
    },
    _meta: { progressToken: 'b7c1d1de-5b3f-4a47-9d0c-3a2f6a1e8f10', client: 'obex-bench/1' },
  },
});

export const RESPONSE_BODY = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  result: {
    content: [
      {
        type: 'text',
        text: 'id=1 name=Ada created_at=2026-01-01; id=2 name=Grace created_at=2026-01-02; id=3 name=Edsger',
      },
    ],
    structuredContent: { rows: 3, truncated: false, elapsedMs: 4, cursor: 'eyJvZmZzZXQiOjUwfQ' },
    isError: false,
  },
});

/** Name and value pairs, framing, Host and Authorization left out. */
export const REQUEST_FIELDS: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
  'MCP-Protocol-Version': '2025-11-25',
  'User-Agent': 'obex-bench/1',
};
