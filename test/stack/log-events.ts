/** What an Obex of the stack has logged. */
import { isRecord } from '../support/json.ts';
import type { Stack } from './compose-stack.ts';

export type LogEvent = Readonly<Record<string, unknown>>;

/** The events of a service since its container was made, oldest first; other lines are left out. */
export async function logEvents(stack: Stack, service: string): Promise<readonly LogEvent[]> {
  const text = await stack.compose('logs', '--no-log-prefix', '--no-color', service);
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line): unknown => JSON.parse(line))
    .filter(isRecord);
}

/** Requests for the MCP endpoint. */
export async function mcpRequests(stack: Stack, service: string): Promise<readonly LogEvent[]> {
  const events = await logEvents(stack, service);
  return events.filter(({ event, path }) => event === 'request' && path === '/mcp');
}
