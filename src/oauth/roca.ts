/** Finds RSA moduli made by the Infineon library, which can be factored. CVE-2017-15361 (ROCA). */

/** The generator that every ROCA prime is a power of, modulo a product of small primes. */
const GENERATOR = 65_537;

const SMALL_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109, 113,
  127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/**
 * Tells whether a modulus is, modulo each small prime, a power of 65537. A product of two ROCA primes always is; a random
 * modulus practically never.
 */
export function hasRocaFingerprint(modulus: bigint): boolean {
  return SMALL_PRIMES.every((prime) => isPowerOfGenerator(Number(modulus % BigInt(prime)), prime));
}

function isPowerOfGenerator(residue: number, prime: number): boolean {
  let power = 1;
  do {
    if (power === residue) return true;
    power = (power * GENERATOR) % prime;
  } while (power !== 1);
  return false;
}
