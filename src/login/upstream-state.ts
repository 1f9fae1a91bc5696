/** The `state` towards the IdP: which flow it is of, what nobody can guess, and that it is ours. RFC 6749 §10.12. */
import { createHmac, timingSafeEqual } from 'node:crypto';

export interface UpstreamStates {
  /** `secret`: base64url. */
  make(flowId: string, secret: string): string;
  /** The flow that it was made for; undefined for what we have not made. */
  flowOf(state: string): string | undefined;
}

/** No part holds the separator: all are base64url. */
const SEPARATOR = '.';

export function createUpstreamStates(key: Buffer): UpstreamStates {
  const sign = (text: string): string => text + SEPARATOR + createHmac('sha256', key).update(text).digest('base64url');
  return {
    make: (flowId, secret) => sign(`${flowId}${SEPARATOR}${secret}`),
    flowOf: (state) => {
      const signed = state.slice(0, Math.max(0, state.lastIndexOf(SEPARATOR)));
      const [ours, given] = [Buffer.from(sign(signed)), Buffer.from(state)];
      return ours.length === given.length && timingSafeEqual(ours, given) ? signed.split(SEPARATOR, 1)[0] : undefined;
    },
  };
}
