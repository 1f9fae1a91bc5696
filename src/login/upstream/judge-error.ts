/** The library's errors → the three that Obex knows. RFC 6749 §4.1.2.1, §5.2. */
import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client';
import { UpstreamInvalid, UpstreamRefused, UpstreamUnavailable } from './upstream.ts';

/** §4.1.2.1: codes that stand for a 500 and a 503, where a redirect can have no status. */
const OUTAGES = ['server_error', 'temporarily_unavailable'];
/** A status that the endpoint does not have, a page of a proxy. */
const NO_ANSWER = ['OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'];
const OF_LIBRARY = ['ClientError', 'OperationProcessingError', 'UnsupportedOperationError'];

/** Runs what asks the IdP. */
export async function judgeErrors<T>(asking: () => Promise<T>): Promise<T> {
  try {
    return await asking();
  } catch (error) {
    throw judgeError(error);
  }
}

/** The library's errors hold tokens, claims and requests, so none of them becomes a cause. */
function judgeError(error: unknown): Error {
  const own = findOwn(error);
  if (own !== undefined) return own;
  if (error instanceof ResponseBodyError || error instanceof AuthorizationResponseError) {
    const refused = new UpstreamRefused(error.error, error.error_description);
    return OUTAGES.includes(refused.code) ? new UpstreamUnavailable(`the IdP answers ${refused.code}`) : refused;
  }
  if (error instanceof ClientError && NO_ANSWER.includes(error.code ?? '')) {
    return new UpstreamUnavailable(`the answer of the IdP is none of its kind: ${error.message}`);
  }
  return new UpstreamInvalid(`the answer of the IdP does not hold: ${describe(error)}`);
}

function findOwn(error: unknown): Error | undefined {
  if (error instanceof UpstreamInvalid || error instanceof UpstreamRefused) return error;
  if (error instanceof UpstreamUnavailable) return error;
  return error instanceof Error ? findOwn(error.cause) : undefined;
}

/** Messages of the library are fixed; those of JSON.parse quote what they could not read. */
function describe(error: unknown): string {
  if (!(error instanceof Error) || !OF_LIBRARY.includes(error.name)) return 'it cannot be read';
  const { message, cause } = error;
  const isTold = cause instanceof Error && OF_LIBRARY.includes(cause.name) && cause.message !== message;
  return isTold ? `${message}: ${cause.message}` : message;
}
