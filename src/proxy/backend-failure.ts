/** What a failure on the way to the backend, or of the client's own body, means as a refusal. RFC 9110 §15.6. */
import { type Denial, deny } from '../oauth/denial.ts';
import { errorField } from '../observe/log.ts';
import { type BackendFailure, BackendTimeout, UntrustedCertificate } from '../wire/backend.ts';

/** The key that sets a limit of the engine. */
const KEYS = { connectTimeoutMs: 'backend.connect_timeout', headTimeoutMs: 'backend.timeout' } as const;

/** Undefined when there is nobody left to answer. */
export function toDenial(failure: BackendFailure, cause: Error | undefined): Denial | undefined {
  if (failure === 'client_closed') return undefined;
  if (cause === undefined) return deny(failure);
  return deny(failure, { detail: `${errorField(cause)}${formatCure(cause)}` });
}

function formatCure(cause: Error): string {
  if (cause instanceof BackendTimeout) return ` (${KEYS[cause.limit]})`;
  return cause instanceof UntrustedCertificate ? '; name that authority in backend.tls.ca_file' : '';
}
