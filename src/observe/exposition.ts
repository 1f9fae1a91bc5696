/** Prometheus text exposition format 0.0.4: families of samples to text. */
import type { Cells } from './cells.ts';

/** One sample: label values must come from closed sets. */
export interface Sample {
  /** After the family's name, for the parts of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric family; `samples` is called at each scrape. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Absent = always. */
  isShown?(): boolean;
  samples(): Iterable<Sample>;
}

/** What a histogram is made of: its upper bounds in seconds, and where it counts. */
interface HistogramParts {
  readonly bounds: readonly number[];
  readonly cells: Cells;
}

/** Cumulative histogram over fixed bounds, in seconds. */
export class Histogram implements MetricFamily {
  readonly type = 'histogram';
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  /** One for each bound, one beyond the last, one for the sum. */
  readonly #cells: Cells;

  constructor(name: string, help: string, { bounds, cells }: HistogramParts) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    this.#cells = cells;
  }

  /** How many cells a histogram of these bounds needs. */
  static cellsFor(bounds: readonly number[]): number {
    return bounds.length + 2;
  }

  observe(seconds: number): void {
    let bucket = 0;
    while (seconds > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#cells.add(bucket, 1);
    this.#cells.add(this.#bounds.length + 1, seconds);
  }

  *samples(): Iterable<Sample> {
    let cumulative = 0;
    for (const [bucket, bound] of [...this.#bounds, '+Inf'].entries()) {
      cumulative += this.#cells.sum(bucket);
      yield { suffix: '_bucket', labels: { le: String(bound) }, value: cumulative };
    }
    yield { suffix: '_sum', value: this.#cells.sum(this.#bounds.length + 1) };
    yield { suffix: '_count', value: cumulative };
  }

  format(): string {
    return formatFamily(this);
  }
}

export function formatFamily(family: MetricFamily): string {
  const { name, type, help } = family;
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  for (const { suffix = '', labels, value } of family.samples())
    text += `${name}${suffix}${formatLabels(labels)} ${value}\n`;
  return text;
}

function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels === undefined) return '';
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
