/** Fetches one JSON document with a deadline, a size limit and no redirects: JWK Sets and issuer metadata. RFC 9110 §9.3.1. */
import { rawPath } from '../lib/raw-path.ts';
import { errorField } from '../observe/log.ts';
import { loadHttpClient } from './http-client.ts';

export interface FetchLimits {
  /** From the look-up of the name to the last byte. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Fetching failed: no connection, no 200, too slow, too large, or not JSON. The message names the URL and what was wrong. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
}

/** GETs `url` and parses the body as JSON. Throws FetchError; anything but a complete 200 is one. */
export function fetchJson(url: string, limits: FetchLimits): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const fail = (problem: string, cause?: unknown): void => {
      // A query may hold an API key.
      reject(new FetchError(`GET ${rawPath(url)}: ${problem}`, { cause }));
      request.destroy();
    };
    const { request: open } = loadHttpClient(url.startsWith('https:'));
    const request = open(url, {
      headers: { accept: 'application/json, application/jwk-set+json' },
      agent: false,
      signal: AbortSignal.timeout(limits.timeoutMs),
    });
    request.on('error', (error) => {
      if (error.name === 'AbortError') return fail(`no complete answer in ${limits.timeoutMs} ms`);
      // OpenSSL's own words are of no use: the first bytes were no TLS record.
      if (/:SSL routines:.*(wrong version number|packet length too long)/.test(error.message)) {
        return fail(`${new URL(url).host} speaks no TLS; is it http?`);
      }
      fail(errorField(error), error);
    });
    request.on('response', (response) => {
      if (response.statusCode !== 200) return fail(`expected status 200, got ${response.statusCode}`);
      collect(response, limits.maxBytes).then(
        (text) => {
          try {
            resolve(JSON.parse(text));
          } catch (error) {
            fail('expected JSON', error);
          }
        },
        (error: unknown) => fail(errorField(error), error),
      );
    });
    request.end();
  });
}

async function collect(response: AsyncIterable<Buffer>, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new RangeError(`answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}
