/** The bench's request as bytes, for load programs that write it themselves. */
import { PATH, REQUEST_BODY, REQUEST_FIELDS } from '../exchange.ts';

/** A keep-alive POST with the token. */
export function formatRequest(origin: string, token: string): string {
  return `${formatHead(`POST ${PATH}`, origin, token)}Content-Length: ${REQUEST_BODY.length}\r\n\r\n${REQUEST_BODY}`;
}

/** A GET that asks for an event stream. */
export function formatStreamRequest(origin: string, token: string): string {
  return `${formatHead(`GET ${PATH}`, origin, token)}\r\n`;
}

function formatHead(methodAndTarget: string, origin: string, token: string): string {
  const fields = { Host: new URL(origin).host, ...REQUEST_FIELDS, Authorization: `Bearer ${token}` };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${methodAndTarget} HTTP/1.1\r\n${lines.join('')}`;
}
