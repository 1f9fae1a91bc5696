/** Obex in phase 3 between a recording backend and a test issuer, and the client that the issuer's tokens are bound to. */

import type { Scheme } from '../../src/oauth/credentials.ts';
import { hashAccessToken } from '../../src/oauth/dpop-proof.ts';
import { createProver, type ProofChange, type Prover } from './dpop.ts';
import { type Cleanup, RESOURCE, type RequestText } from './obex.ts';
import { type Phase2Stack, type StackOptions, startPhase2 } from './stack.ts';
import type { TokenOptions } from './test-issuer.ts';

export interface Phase3Options extends StackOptions {
  /** Lines of the section `dpop` beside `enabled: true`. */
  readonly dpop?: string;
}

/** What stands in a request; whatever is left out is as it should be. */
export interface Presentation {
  /** Default: a new one, bound to the client's key. */
  readonly token?: string;
  /** Default: `DPoP`. */
  readonly scheme?: Scheme;
  /** The values of the DPoP fields. Default: one new proof. */
  readonly proofs?: readonly string[];
  readonly method?: string;
  /** Raw request target. Default: `/mcp`. */
  readonly target?: string;
  /** More field lines. */
  readonly lines?: readonly string[];
}

export interface Phase3Stack extends Phase2Stack {
  /** Owner of the key that tokens are bound to. */
  readonly client: Prover;
  boundToken(options?: TokenOptions, owner?: Prover): Promise<string>;
  /** A proof for `GET RESOURCE`, made now for that token, unless changed. */
  prove(token: string, change?: ProofChange, prover?: Prover): string;
  request(presented?: Presentation): Promise<RequestText>;
}

/** Resolves when Obex has the issuer's keys. */
export async function startPhase3(cleanup: Cleanup, options: Phase3Options = {}): Promise<Phase3Stack> {
  const { dpop = '', sections, ...rest } = options;
  const withDpop = (others: StackOptions['sections'] = {}): StackOptions['sections'] => ({
    ...others,
    dpop: `enabled: true\n${others.dpop ?? dpop}`,
  });
  const stack = await startPhase2(cleanup, { ...rest, sections: withDpop(sections) ?? {} });
  const client = createProver();
  const boundToken = (token: TokenOptions = {}, owner = client): Promise<string> =>
    stack.issuer.token({ ...token, claims: { cnf: { jkt: owner.jkt }, ...token.claims } });
  const prove = (token: string, change: ProofChange = {}, prover = client): string => {
    const good = { htm: 'GET', htu: RESOURCE, iat: stack.clock.nowSeconds, ath: hashAccessToken(token) };
    return prover.prove({ ...change, claims: { ...good, ...change.claims } });
  };
  return {
    ...stack,
    client,
    boundToken,
    prove,
    config: (others) => stack.config(withDpop(others)),
    request: async ({ token, scheme = 'DPoP', proofs, method = 'GET', target = '/mcp', lines = [] } = {}) => {
      const accessToken = token ?? (await boundToken());
      const dpop = proofs ?? [prove(accessToken, { claims: { htm: method } })];
      const own = [`Authorization: ${scheme} ${accessToken}`, ...dpop.map((proof) => `DPoP: ${proof}`)];
      return { method, target, lines: [...own, ...lines] };
    },
  };
}
