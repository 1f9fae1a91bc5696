/** The bench's request as bytes, for load programs that write it themselves. */
import { PATH, REQUEST_BODY, REQUEST_FIELDS } from '../exchange.ts';

/** A keep-alive POST with the token. */
export function formatRequest(origin: string, token: string): string {
  return formatPost(formatHead(`POST ${PATH}`, origin, `Bearer ${token}`));
}

/** The same with a token that is bound to a key, and a proof of it. */
export function formatBoundRequest(origin: string, token: string, proof: string): string {
  return formatPost(`${formatHead(`POST ${PATH}`, origin, `DPoP ${token}`)}DPoP: ${proof}\r\n`);
}

/** A GET that asks for an event stream. */
export function formatStreamRequest(origin: string, token: string): string {
  return `${formatHead(`GET ${PATH}`, origin, `Bearer ${token}`)}\r\n`;
}

function formatPost(head: string): string {
  return `${head}Content-Length: ${REQUEST_BODY.length}\r\n\r\n${REQUEST_BODY}`;
}

function formatHead(methodAndTarget: string, origin: string, authorization: string): string {
  const fields = { Host: new URL(origin).host, ...REQUEST_FIELDS, Authorization: authorization };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${methodAndTarget} HTTP/1.1\r\n${lines.join('')}`;
}
