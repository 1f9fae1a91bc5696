/** One request written byte by byte on a connection of its own, and a recorded request taken apart again. RFC 9112. */

import type { RawResponse } from './raw-http.ts';
import { openRaw } from './raw-http.ts';

export interface RawRequest {
  readonly port: number;
  readonly method?: string;
  readonly target: string;
  /** Host and Content-Length are added. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends the request and reads the whole response. */
export async function sendRawRequest(request: RawRequest): Promise<RawResponse> {
  const { port, method = 'GET', target, headers = {}, body = '' } = request;
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  const client = await openRaw(port);
  try {
    await client.send(`${lines.join('\r\n')}\r\n\r\n${body}`);
    return await client.readResponse(method);
  } finally {
    client.destroy();
  }
}

export interface RecordedRequest {
  readonly requestLine: string;
  /** `name: value` as sent, sorted. */
  readonly fieldLines: readonly string[];
  readonly body: string;
}

/** Takes apart what a backend received on one connection, if that was one request. */
export function parseRecordedRequest(bytes: string): RecordedRequest {
  const headEnd = bytes.indexOf('\r\n\r\n');
  const [requestLine = '', ...fieldLines] = bytes.slice(0, headEnd).split('\r\n');
  return { requestLine, fieldLines: fieldLines.toSorted(), body: bytes.slice(headEnd + 4) };
}
