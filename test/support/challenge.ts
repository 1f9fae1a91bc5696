/** Reads a WWW-Authenticate value as a strict client does. RFC 9110 §11.6.1: one challenge a field line. */

export interface ParsedChallenge {
  readonly scheme: string;
  /** In the order sent. */
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

/** Throws on anything that is not `Scheme name="value", …` with plain quoted strings. */
export function parseChallenge(value: string): ParsedChallenge {
  const [, scheme = '', rest = ''] = /^([A-Za-z]+) (.+)$/.exec(value) ?? [];
  const parameters = rest.split(', ').map((pair): readonly [string, string] => {
    const [, name, text] = /^([a-z_]+)="([^"\\]*)"$/.exec(pair) ?? [];
    if (name === undefined || text === undefined) throw new Error(`not a parameter: ${pair}`);
    return [name, text];
  });
  return { scheme, parameters };
}
