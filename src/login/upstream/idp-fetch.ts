/** How the library's requests reach the IdP: by our own engine, with its deadline, bounds and proxy. RFC 9110 §15. */
import type { CustomFetch, CustomFetchOptions } from 'openid-client';
import { rawPath } from '../../lib/raw-path.ts';
import { isSecureUrl } from '../../lib/secure-url.ts';
import { errorField } from '../../observe/log.ts';
import { FetchError, fetchAnswer, type WholeAnswer } from '../../state/fetch-json.ts';
import { fieldValues } from '../../wire/field-values.ts';
import type { UpstreamOptions } from '../options.ts';
import { UpstreamInvalid, UpstreamUnavailable } from './upstream.ts';

const MAX_BYTES = 256 * 1024;
const TOO_MANY_REQUESTS = 429;
const SENT_FIELDS = ['accept', 'authorization', 'content-type'];

/** Lets through what the library can judge: a 200 that holds JSON or a JWT, and a refusal of the token endpoint. */
export function createIdpFetch({ ca, allowHttp }: UpstreamOptions, timeoutMs: number): CustomFetch {
  return async (url, { method, headers, body }) => {
    if (!allowHttp && !isSecureUrl(new URL(url))) {
      throw new UpstreamInvalid(`${rawPath(url)} is not https, and is named in the metadata of the IdP`);
    }
    const request = {
      method: method === 'POST' ? 'POST' : 'GET',
      url,
      fields: pickFields(headers),
      text: textOf(body),
    } as const;
    const answer = await fetchAnswer(request, { timeoutMs, maxBytes: MAX_BYTES, ca }).catch(refuse);
    const problem = findProblem(request.method, answer);
    if (problem !== undefined) {
      throw new UpstreamUnavailable(`${request.method} ${rawPath(url)}: ${problem}`, { status: answer.head.status });
    }
    return toResponse(answer);
  };
}

function refuse(error: unknown): never {
  if (error instanceof FetchError) throw new UpstreamUnavailable(errorField(error), { cause: error });
  throw error;
}

/** The library's User-Agent is not ours. */
function pickFields(headers: Readonly<Record<string, string>>): string[] {
  return SENT_FIELDS.flatMap((name) => (headers[name] === undefined ? [] : [name, headers[name]]));
}

function textOf(body: CustomFetchOptions['body']): string | undefined {
  return body instanceof URLSearchParams ? body.toString() : undefined;
}

function findProblem(method: 'GET' | 'POST', { head, bytes }: WholeAnswer): string | undefined {
  const { status } = head;
  const isRefusal = method === 'POST' && status >= 400 && status < 500 && status !== TOO_MANY_REQUESTS;
  if (isRefusal || (status === 200 && (contentType(head) === 'application/jwt' || isJson(bytes)))) return undefined;
  return status === 200 ? 'expected JSON' : `expected status 200, got ${status}`;
}

function isJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString());
    return true;
  } catch {
    return false;
  }
}

/** Without WWW-Authenticate, which the library would report instead of the error in the body. */
function toResponse({ head, bytes }: WholeAnswer): Response {
  const body = new Uint8Array(bytes);
  return new Response(body, { status: head.status, headers: { 'content-type': contentType(head) } });
}

function contentType({ fields }: WholeAnswer['head']): string {
  const [type = ''] = fieldValues(fields, 'content-type');
  return type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
