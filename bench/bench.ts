/** What every scenario is given: cores, options, tokens, a fixed-answer backend, a folder. */
import type { BenchBase } from './bench-base.ts';
import type { Contender } from './contenders/contender.ts';
import type { TokenIssuer } from './tokens.ts';

export interface Bench extends BenchBase {
  readonly issuer: TokenIssuer;
  /** The first is the one that scenarios with a single token use. */
  readonly tokens: readonly string[];
  readonly tokensFile: string;
  readonly backend: Contender;
  /** The release bundle, copied so that a build under way does not change what is measured. */
  readonly bundle: string;
  /** The same source on its first engine. */
  readonly baselineBundle: string;
}

/** The token of scenarios with a single one. */
export function firstToken({ tokens }: Bench): string {
  const [token = ''] = tokens;
  return token;
}
