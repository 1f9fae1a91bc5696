/** Numbers out of a digest that is a string of one character for each byte: half the price of a Buffer. */

/** The 32 bits from the byte `at` on, as a signed number. */
export function readInt32(bytes: string, at: number): number {
  let value = 0;
  for (let index = at; index < at + 4; index += 1) value = (value << 8) | bytes.charCodeAt(index);
  return value;
}
