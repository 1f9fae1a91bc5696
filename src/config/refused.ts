/** A refusal of one config value: what was expected, what came if that may be shown, and what to do. */

export interface Refusal {
  readonly message: string;
  /** Absent = do not say what came: it may be a secret, or says nothing. */
  readonly got?: { readonly value: unknown };
  /** May quote the value: not shown when that must stay hidden. `message` never does. */
  readonly cure?: string;
}

export class Refused {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    this.refusal = refusal;
  }
}

/** Says what was expected, shows what came, and what to do if that is not plain. */
export function refuse(message: string, value: unknown, cure?: string): Refused {
  return new Refused({ message, got: { value }, ...(cure === undefined ? {} : { cure }) });
}

/** Says what is wrong without the value. */
export function refuseSilently(message: string): Refused {
  return new Refused({ message });
}
