/** What `obex certs` has to say of the files: one line, and the cure where there is something to cure. */

export interface Finding {
  /** `fine` is told on standard output, the others on standard error with their name in front. */
  readonly severity: 'fine' | 'WARNING' | 'ERROR';
  readonly message: string;
  readonly cure?: string;
}

/** Obex must not start. */
export function isFatal({ severity }: Finding): boolean {
  return severity === 'ERROR';
}

/** 2026-03-01 */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

export function fine(message: string, cure?: string): Finding {
  return { severity: 'fine', message, ...(cure !== undefined && { cure }) };
}

export function warning(message: string, cure: string): Finding {
  return { severity: 'WARNING', message, cure };
}

export function error(message: string, cure: string): Finding {
  return { severity: 'ERROR', message, cure };
}
