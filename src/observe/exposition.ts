/** Prometheus text exposition format 0.0.4: families of samples to text. */

/** One sample: label values must come from closed sets. */
export interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One metric family; `samples` is called at each scrape. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  samples(): Iterable<Sample>;
}

/** Cumulative histogram over fixed bounds, in seconds. */
export class Histogram {
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(seconds: number): void {
    let bucket = 0;
    while (seconds > (this.#bounds[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += seconds;
  }

  format(): string {
    let text = formatPreamble(this.name, 'histogram', this.help);
    let cumulative = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      cumulative += count;
      const bound = this.#bounds[bucket];
      text += `${this.name}_bucket{le="${bound ?? '+Inf'}"} ${cumulative}\n`;
    }
    return `${text}${this.name}_sum ${this.#sum}\n${this.name}_count ${cumulative}\n`;
  }
}

export function formatFamily(family: MetricFamily): string {
  let text = formatPreamble(family.name, family.type, family.help);
  for (const sample of family.samples()) text += `${family.name}${formatLabels(sample.labels)} ${sample.value}\n`;
  return text;
}

function formatPreamble(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  if (labels === undefined) return '';
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
