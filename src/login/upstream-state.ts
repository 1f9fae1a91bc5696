/** The `state` towards the IdP: which flow it is of, and what nobody can guess. RFC 6749 §10.12. */

const SEPARATOR = '.';

/** Neither part holds the separator: both are base64url. */
export function formatState(flowId: string, secret: string): string {
  return `${flowId}${SEPARATOR}${secret}`;
}

export function flowOfState(state: string): string {
  return state.split(SEPARATOR, 1)[0] ?? '';
}
