/** Reads Prometheus text format 0.0.4 and throws on whatever `promtool check metrics` would not take. */

export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ScrapedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ScrapedSample[];
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|\+Inf|NaN)$/s;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

export function parseExposition(text: string): readonly ScrapedFamily[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed');
  const families: { name: string; type: string; help: string; samples: ScrapedSample[] }[] = [];
  for (const line of text.slice(0, -1).split('\n')) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? [];
    const family = families.at(-1);
    if (keyword === 'HELP') {
      if (families.some((other) => other.name === name)) throw new Error(`second family ${name}`);
      families.push({ name, type: '', help: rest, samples: [] });
    } else if (keyword === 'TYPE') {
      if (family?.name !== name || family.type !== '') throw new Error(`TYPE out of place: ${line}`);
      family.type = rest;
    } else {
      if (family === undefined || family.type === '') throw new Error(`sample without a family: ${line}`);
      family.samples.push(parseSample(line, family.name, family.type));
    }
  }
  for (const { name, type, samples } of families) {
    if (type === 'counter' && !name.endsWith('_total')) throw new Error(`counter ${name} does not end in _total`);
    if (type !== 'counter' && name.endsWith('_total')) throw new Error(`${name} is no counter`);
    const keys = samples.map((sample) => JSON.stringify([sample.name, sample.labels]));
    if (new Set(keys).size !== keys.length) throw new Error(`${name} holds one sample twice`);
  }
  return families;
}

function parseSample(line: string, family: string, type: string): ScrapedSample {
  const [, name = '', labelText, value = ''] = SAMPLE.exec(line) ?? [];
  const suffixes = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
  if (!suffixes.some((suffix) => name === family + suffix)) throw new Error(`not a sample of ${family}: ${line}`);
  return { name, labels: parseLabels(labelText ?? ''), value: value === '+Inf' ? Infinity : Number(value) };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? [];
    if (name === undefined || value === undefined) throw new Error(`not labels: ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}
