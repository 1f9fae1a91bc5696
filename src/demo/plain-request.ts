/** Requests as `curl` would send them, and what a challenge in the answer says. RFC 9110 §11.6.1, RFC 6750 §3. */

export interface PlainAnswer {
  readonly status: number;
  readonly challenge: string;
  readonly body: string;
}

/** A `tools/list` that any MCP server understands without a session. */
export const TOOLS_LIST = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';

/** A call of the demo server's tool `whoami`, which does without a session as well. */
export const CALL_WHOAMI = '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"whoami","arguments":{}}}';

/** What every message to an MCP endpoint carries. */
export const MESSAGE_HEADERS = {
  'Content-Type': 'application/json',
  Accept: 'application/json, text/event-stream',
} as const;

/** Posts a JSON-RPC message to an MCP endpoint, with a token if there is one. */
export async function postMessage(url: string, accessToken: string | undefined): Promise<PlainAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...MESSAGE_HEADERS, ...(accessToken !== undefined && { Authorization: `Bearer ${accessToken}` }) },
    body: TOOLS_LIST,
    signal: AbortSignal.timeout(10_000),
  });
  return {
    status: response.status,
    challenge: response.headers.get('www-authenticate') ?? '',
    body: await response.text(),
  };
}

/** Fetches a JSON object. */
export async function fetchMetadata(url: string): Promise<Readonly<Record<string, unknown>>> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null) throw new Error(`${url} holds no JSON object`);
  return { ...body };
}

/** A parameter of a challenge that has no quoted quotes in it. */
export function challengeParameter(challenge: string, name: string): string | undefined {
  return new RegExp(`[ ,]${name}="([^"]*)"`).exec(challenge)?.[1];
}

/** One line for each challenge, as Obex sends them; `fetch` has joined them. */
export function formatChallenges(challenge: string): readonly string[] {
  return challenge.split(/, (?=\w+ \w+=)/).map((one) => `WWW-Authenticate: ${one}`);
}

/** The `reason` in the body of a refusal by Obex. */
export function refusalReason(body: string): unknown {
  const parsed: unknown = JSON.parse(body);
  return typeof parsed === 'object' && parsed !== null && 'reason' in parsed ? parsed.reason : undefined;
}
