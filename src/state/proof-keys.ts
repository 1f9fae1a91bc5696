/** The keys of proofs seen lately, so that a client's key is imported once. RFC 9449 §4.2. */
import { Lru } from '../lib/lru.ts';
import { ownText } from '../lib/own-text.ts';
import type { Denial } from '../oauth/denial.ts';
import { isDenied } from '../oauth/denial.ts';
import { type ProofKey, parseProofHeader } from '../oauth/dpop-proof.ts';
import type { JwsAlgorithm } from '../oauth/jwa.ts';

/** Rough cost in bytes of an entry beside its text: OpenSSL's key and the objects around it (measured, P-256). */
const KEY_BYTES = 2_500;
const LIMITS = { maxEntries: 20_000, maxBytes: 64 * 1024 * 1024 };

/**
 * Keyed by the exact text of the header part, which a client repeats in every proof: equal texts bring equal keys. Whatever
 * is refused is not kept.
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

  import(headerPart: string): ProofKey | Denial {
    const known = this.#keys.get(headerPart);
    if (known !== undefined) return known;
    const imported = parseProofHeader(headerPart, this.#algorithms);
    if (isDenied(imported)) return imported;
    const own = ownText(headerPart);
    this.#keys.set(own, imported, own.length + KEY_BYTES);
    return imported;
  }
}
