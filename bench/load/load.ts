/** What a load tool is asked for and what it tells. */
import type { Contender } from '../contenders/contender.ts';

export interface LoadOptions {
  readonly contender: Contender;
  readonly seconds: number;
  /** `first`: one token; `distinct`: each request takes the next of many; `none`: no credential. */
  readonly credential: 'first' | 'distinct' | 'none';
}

export interface LoadReport {
  readonly requests: number;
  readonly seconds: number;
  /** Answered with a status of 400 or above. */
  readonly refused: number;
  /** Connections that broke, requests without an answer. */
  readonly broken: number;
}
