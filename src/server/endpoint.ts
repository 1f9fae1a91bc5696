/** What Obex answers by itself at a path of its own. */
import type { Answerable } from './answerable.ts';

/** Answers a request by itself; may finish later. */
export type Respond = (life: Answerable) => void;

export interface Endpoint {
  readonly respond: Respond;
  /** Readable by any web page: no Origin check, preflights answered. */
  readonly isPublic: boolean;
  /** Answered even when there are too many connections. */
  readonly isVital: boolean;
  /** Leaves no access line: probes come every few seconds for as long as Obex runs. */
  readonly isQuiet: boolean;
  /** Beside OPTIONS; absent: GET and HEAD. */
  readonly methods?: readonly string[];
  /** For people, so no page may read it, whatever `cors` allows: pages of any origin may lead to it, or none but those of Obex. */
  readonly leadsFrom?: 'any' | 'own';
  /** Counts for the rate limit although it is public. */
  readonly isCharged?: boolean;
}

/** By raw path. */
export type Endpoints = readonly (readonly [path: string, endpoint: Endpoint])[];

/** Probes and the metadata: no rate limit holds them up, no Host is asked of them. */
export function isExempt(endpoint: Endpoint | undefined): boolean {
  return endpoint !== undefined && endpoint.isCharged !== true && (endpoint.isPublic || endpoint.isVital);
}
