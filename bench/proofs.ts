/** Requests of phase 3, made before a run: tokens bound to the keys of clients, and proofs that are used once each. RFC 9449 §4.2. */
import { randomUUID } from 'node:crypto';
import { hashAccessToken } from '../src/oauth/dpop-proof.ts';
import { createProver } from '../test/support/dpop.ts';
import type { Bench } from './bench.ts';
import { RESOURCE } from './tokens.ts';

export interface BoundClients {
  /** Writes a file with `count` lines of token and proof, the clients taking turns, and returns its path. */
  prove(count: number): string;
}

/** `count` clients, each with an ES256 key and a token of its own. */
export async function createBoundClients(bench: Bench, count: number): Promise<BoundClients> {
  const provers = Array.from({ length: count }, () => createProver('ES256'));
  const tokens = await bench.issuer.issue(count, (index) => ({ cnf: { jkt: provers[index]?.jkt } }));
  const clients = provers.map((prover, index) => {
    const token = tokens[index] ?? '';
    return { prover, token, ath: hashAccessToken(token) };
  });
  return {
    prove: (proofs) => {
      const iat = Math.floor(Date.now() / 1000);
      const lines = Array.from({ length: Math.ceil(proofs / count) }, () =>
        clients.map(({ prover, token, ath }) => {
          const claims = { jti: randomUUID(), htm: 'POST', htu: RESOURCE, iat, ath };
          return `${token} ${prover.prove({ claims })}\n`;
        }),
      ).flat();
      return bench.write(`proofs-${count}.txt`, lines.slice(0, proofs).join(''));
    },
  };
}
