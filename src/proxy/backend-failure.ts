/** What a failure on the way to the backend, or of the client's own body, means as a refusal. RFC 9110 §15.6. */
import { type Denial, deny } from '../oauth/denial.ts';
import { errorField } from '../observe/log.ts';
import type { BackendFailure } from '../wire/backend.ts';

/** Undefined when there is nobody left to answer. */
export function toDenial(failure: BackendFailure, cause: Error | undefined): Denial | undefined {
  const evidence = cause === undefined ? {} : { detail: errorField(cause) };
  return failure === 'client_closed' ? undefined : deny(failure, evidence);
}
