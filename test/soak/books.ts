/** What the clients of a soak run have seen, to be compared with what Obex says of itself. */

/** How an exchange ended, as far as its client can know. */
export type Ending =
  /** The whole answer came. */
  | { readonly kind: 'answered'; readonly status: number }
  /** The answer to bytes that never became an exchange: refused by the engine. */
  | { readonly kind: 'refused'; readonly status: number }
  /** Cut behind the head of the answer, by either side. */
  | { readonly kind: 'cut'; readonly status: number }
  /** The client left before the head of an answer. */
  | { readonly kind: 'left' };

export class Books {
  readonly #endings = new Map<string, number>();
  readonly #statuses = new Map<number, number>();
  readonly #totals = { answered: 0, refused: 0, cut: 0, left: 0 };
  readonly faults: string[] = [];

  record(client: string, ending: Ending): void {
    this.#totals[ending.kind] += 1;
    const how = ending.kind === 'left' ? ending.kind : `${ending.kind} ${ending.status}`;
    const row = `${client} · ${how}`;
    this.#endings.set(row, (this.#endings.get(row) ?? 0) + 1);
    if (ending.kind !== 'left') this.#statuses.set(ending.status, (this.#statuses.get(ending.status) ?? 0) + 1);
  }

  fault(client: string, problem: unknown): void {
    this.faults.push(`${client}: ${problem instanceof Error ? problem.message : String(problem)}`);
  }

  get totals(): Readonly<Record<Ending['kind'], number>> {
    return this.#totals;
  }

  /** Response heads by status code, ascending. */
  get statuses(): readonly (readonly [status: number, count: number])[] {
    return [...this.#statuses].toSorted(([a], [b]) => a - b);
  }

  /** `client · ending` with its number, in order of first occurrence. */
  get rows(): readonly (readonly [row: string, count: number])[] {
    return [...this.#endings];
  }
}

/** Slope of the least-squares line through the points, in y per x. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  return covariance / mean(points.map(([x]) => (x - meanX) ** 2));
}
