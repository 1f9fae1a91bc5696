/** The keys of proofs seen lately, so that a client's key is imported once. RFC 9449 §4.2. */
import type { KeyObject } from 'node:crypto';
import { Lru } from '../lib/lru.ts';
import { ownText } from '../lib/own-text.ts';
import type { Denial } from '../oauth/denial.ts';
import { isDenied } from '../oauth/denial.ts';
import { type ProofKey, parseProofHeader } from '../oauth/dpop-proof.ts';
import type { JwsAlgorithm } from '../oauth/jwa.ts';

const LIMITS = { maxEntries: 20_000, maxBytes: 64 * 1024 * 1024 };

/**
 * Keyed by the exact text of the header part, which a client repeats in every proof: equal texts bring equal keys. Whatever
 * is refused is not kept, and so is every key but that of the access token which comes with it: whoever has no tokens puts
 * nothing in here.
 */
export class ProofKeys {
  readonly #algorithms: ReadonlySet<JwsAlgorithm>;
  readonly #keys = new Lru<ProofKey>(LIMITS);

  /** `algorithms` are those accepted of proofs. */
  constructor(algorithms: ReadonlySet<JwsAlgorithm>) {
    this.#algorithms = algorithms;
  }

  get entries(): number {
    return this.#keys.entries;
  }

  get bytes(): number {
    return this.#keys.bytes;
  }

  /** `jkt`: the thumbprint that the access token names. */
  import(headerPart: string, jkt: string): ProofKey | Denial {
    const known = this.#keys.get(headerPart);
    if (known?.jkt === jkt) return known;
    const imported = parseProofHeader(headerPart, { algorithms: this.#algorithms, jkt });
    if (isDenied(imported)) return imported;
    const own = ownText(headerPart);
    this.#keys.set(own, imported, own.length + keyBytes(imported.key));
    return imported;
  }
}

/**
 * What an entry costs beside its text, in bytes: OpenSSL's key and what it computes for it at the first signature, and the
 * objects around it. Measured as resident memory of 6,000 entries of each kind, and rounded up.
 */
function keyBytes({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): number {
  if (asymmetricKeyType === 'ed25519') return 3_900;
  return asymmetricKeyType === 'ec' ? 6_500 : 4_200 + (asymmetricKeyDetails?.modulusLength ?? 0);
}
